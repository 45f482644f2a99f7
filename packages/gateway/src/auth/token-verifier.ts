/**
 * Verifies bearer tokens: JWTs signed with EdDSA over Ed25519 (RFC 7519, RFC 8037, with the cautions of RFC 8725). The
 * header chooses nothing but a key id: the algorithm is fixed, embedded keys and key addresses (`jwk`, `jku`, `x5c`,
 * `x5u`) are not looked at, and extensions (`crit`, `b64`) are refused.
 */
import type { EndUser } from 'flotilla';
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { Refusal } from '../refusal.ts';
import type { KeyRing } from './key-ring.ts';
import { TokenCache } from './token-cache.ts';

export interface TokenVerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: KeyRing;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** How far the issuer's clock may differ, in seconds. Default 5. */
  readonly clockToleranceS?: number;
  /** How many verified tokens are remembered: verifying costs some 100 µs, remembering about 3. Default 10 000. */
  readonly cacheSize?: number;
}

export interface TokenVerifier {
  /** @throws Refusal `unauthenticated` with the reason, or `unavailable` when the keys cannot be had. */
  verify(token: string): Promise<EndUser>;
}

const longestToken = 8_192;
const tokenPattern = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const registered = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sub', 'scope']);

export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, audience, keys, now, clockToleranceS = 5, cacheSize = 10_000 } = options;
  const cache = new TokenCache(cacheSize);
  return {
    async verify(token) {
      const known = cache.get(token, now());
      if (known && keys.has(known.kid)) return known.user;
      const kid = keyId(token);
      const key = await keys.find(kid);
      if (!key) throw invalidToken('the token is signed with an unknown key');
      let payload: JWTPayload;
      try {
        ({ payload } = await jwtVerify(token, key, {
          algorithms: ['EdDSA'],
          issuer,
          audience,
          requiredClaims: ['exp', 'sub'],
          clockTolerance: clockToleranceS,
          currentDate: new Date(now()),
        }));
      } catch (cause) {
        throw invalidToken(reason(cause), cause);
      }
      const user = endUser(payload);
      cache.set(token, { user, kid, expiresAt: (payload.exp! + clockToleranceS) * 1000 });
      return user;
    },
  };
}

/** A 401 that says which challenge the token failed (RFC 6750 §3). */
export function invalidToken(detail: string, cause?: unknown): Refusal {
  return new Refusal('unauthenticated', detail, {
    headers: [['www-authenticate', 'Bearer realm="flotilla", error="invalid_token"']],
    cause,
  });
}

function keyId(token: string): string | undefined {
  if (token.length > longestToken || !tokenPattern.test(token))
    throw invalidToken('the token is not a signed JWT');
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(token);
  } catch (cause) {
    throw invalidToken('the token is not a signed JWT', cause);
  }
  const { alg, kid, typ } = header;
  if (alg !== 'EdDSA') throw invalidToken('the token is not signed with EdDSA');
  if ('crit' in header || 'b64' in header) throw invalidToken('the token uses an extension');
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256)) {
    throw invalidToken('the token has a key id that is none');
  }
  if (typ !== undefined && !/^(?:application\/)?(?:jwt|at\+jwt)$/i.test(String(typ))) {
    throw invalidToken('the token is of another type than an access token');
  }
  return kid;
}

function endUser(payload: JWTPayload): EndUser {
  const { sub, scope } = payload;
  for (const claim of ['exp', 'nbf', 'iat'] as const) {
    const value = payload[claim];
    if (value !== undefined && !Number.isSafeInteger(value)) {
      throw invalidToken(`the token's '${claim}' is not a whole number of seconds`);
    }
  }
  if (typeof sub !== 'string' || sub === '' || sub.length > 256) {
    throw invalidToken("the token's 'sub' is not a name of 1 to 256 characters");
  }
  if (scope !== undefined && typeof scope !== 'string')
    throw invalidToken("the token's 'scope' is not a string");
  const others = Object.entries(payload).filter(([name]) => !registered.has(name));
  return {
    subject: sub,
    scopes: (scope as string | undefined)?.split(' ').filter((one) => one !== '') ?? [],
    ...(others.length === 0 ? {} : { claims: Object.fromEntries(others) }),
  };
}

function reason(cause: unknown): string {
  if (cause instanceof errors.JWTExpired) return 'the token has expired';
  if (cause instanceof errors.JWTClaimValidationFailed)
    return `the token's '${cause.claim}' is not accepted here`;
  return 'the token is not valid';
}
