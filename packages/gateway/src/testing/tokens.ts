/** An issuer of tokens for tests. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export const issuer = 'https://identity.test';
export const audience = 'exchange';

export interface TestIssuer {
  readonly jwk: Record<string, unknown>;
  /** Signs valid claims, changed by `claims` and `header`; an undefined value removes. */
  token(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>;
}

/** @param now Unix time in milliseconds. */
export async function testIssuer(kid = 'key-1', now: () => number = Date.now): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'EdDSA' };
  return {
    jwk,
    token(claims = {}, header = {}) {
      const seconds = Math.floor(now() / 1000);
      const all = {
        iss: issuer,
        aud: audience,
        sub: 'user-1',
        iat: seconds,
        exp: seconds + 600,
        scope: 'order:write order:read',
        ...claims,
      };
      return new SignJWT(JSON.parse(JSON.stringify(all)) as JWTPayload)
        .setProtectedHeader({ alg: 'EdDSA', kid, ...header } as { alg: string })
        .sign(privateKey);
    },
  };
}

/** A token of these parts, as they are. */
export function forged(header: unknown, payload: unknown, signature = 'AAAA'): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(payload)}.${signature}`;
}
