/** Tokens: EdDSA JWTs (RFC 8037) that the gateway verifies with the public keys of this service. */
import type { Database } from 'flotilla';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';

type SigningKey = Awaited<ReturnType<typeof importJWK>>;

export const issuer = 'exchange-identity';
export const audience = 'exchange';
/** What the holder of an account may do. */
export const accountScopes = ['orders:read', 'orders:write', 'account:read'];
const lifetime = '24h';

export class Tokens {
  readonly #key: SigningKey;
  readonly #kid: string;
  /** The public half of the key, for the key set. */
  readonly publicKey: JWK;

  /** Loads the signing key, or makes one at the first start. */
  static async open(database: Database): Promise<Tokens> {
    const row = database
      .prepare('SELECT private_jwk FROM signing_keys ORDER BY created_at DESC LIMIT 1')
      .get();
    const jwk = row ? (JSON.parse(String(row.private_jwk)) as JWK) : await createKey(database);
    return new Tokens(jwk, await importJWK(jwk, 'EdDSA'));
  }

  private constructor(jwk: JWK, key: SigningKey) {
    const { d: _private, ...publicPart } = jwk;
    this.#key = key;
    this.#kid = jwk.kid!;
    this.publicKey = { ...publicPart, alg: 'EdDSA', use: 'sig' };
  }

  /** A token for an account, valid for 24 hours. */
  issue(account: string): Promise<string> {
    return new SignJWT({ scope: accountScopes.join(' ') })
      .setProtectedHeader({ alg: 'EdDSA', kid: this.#kid, typ: 'JWT' })
      .setSubject(account)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(lifetime)
      .sign(this.#key);
  }
}

async function createKey(database: Database): Promise<JWK> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  const complete = { ...jwk, kid };
  await database.write(() =>
    database
      .prepare('INSERT INTO signing_keys (kid, private_jwk, created_at) VALUES (?, ?, ?)')
      .run(kid, JSON.stringify(complete), Date.now()),
  );
  return complete;
}
