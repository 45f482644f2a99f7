/**
 * The public keys that tokens are verified with, by key id. A remote ring asks the issuer when it meets a key id it
 * does not know, at most once per cool-down whatever clients send, and keeps the last keys it got for as long as the
 * issuer is away.
 */
import { FlotillaError } from 'flotilla';
import { type CryptoKey, importJWK } from 'jose';
import { z } from 'zod';
import { Refusal } from '../refusal.ts';

/** Ed25519 public keys (RFC 8037). Of a key only its public part is read; keys of other kinds are passed over. */
export const JsonWebKeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });
export type JsonWebKeySet = z.infer<typeof JsonWebKeySet>;

const SigningKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().length(43),
  kid: z.string().min(1).max(256).optional(),
  use: z.literal('sig').optional(),
  alg: z.enum(['EdDSA', 'Ed25519']).optional(),
});

export interface KeyRing {
  /**
   * The key with this id; without an id the only key there is.
   * @returns undefined when no such key exists.
   * @throws Refusal `unavailable` when that cannot be known now.
   */
  find(kid: string | undefined): Promise<CryptoKey | undefined>;
  /** Whether a key id is valid at this moment: what was verified with a withdrawn key is not trusted any longer. */
  has(kid: string | undefined): boolean;
}

type Keys = ReadonlyMap<string | undefined, CryptoKey>;

async function importKeys(set: JsonWebKeySet): Promise<Keys> {
  const usable = set.keys.map((key) => SigningKey.safeParse(key)).filter(({ success }) => success);
  const keys = new Map<string | undefined, CryptoKey>();
  for (const { data } of usable) {
    const { kty, crv, x, kid } = data!;
    keys.set(kid, (await importJWK({ kty, crv, x }, 'EdDSA')) as CryptoKey);
  }
  // A token without a key id is unambiguous only when there is one key.
  if (keys.size === 1) keys.set(undefined, [...keys.values()][0]!);
  else keys.delete(undefined);
  return keys;
}

/** Keys that are part of the configuration. */
export async function staticKeyRing(set: JsonWebKeySet): Promise<KeyRing> {
  const keys = await importKeys(set);
  if (keys.size === 0) {
    throw new FlotillaError('invalid_argument', 'the configured key set has no Ed25519 signing key');
  }
  return { find: async (kid) => keys.get(kid), has: (kid) => keys.has(kid) };
}

export interface RemoteKeyRingOptions {
  /** Gets the key set from the issuer. */
  readonly fetch: () => Promise<unknown>;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** After an answer, unknown key ids cause no other question for this long. Default 10 s. */
  readonly coolDownMs?: number;
  /** After a failure the issuer is left alone for this long. Default 1 s. */
  readonly failureCoolDownMs?: number;
  /** Keys older than this are asked for anew, in the background. Default 5 min. */
  readonly maxAgeMs?: number;
  readonly onError?: (error: unknown) => void;
}

/** Keys from the issuer: see the module's header. */
export function remoteKeyRing(options: RemoteKeyRingOptions): KeyRing {
  const { fetch, now, onError, coolDownMs = 10_000, failureCoolDownMs = 1_000, maxAgeMs = 300_000 } = options;
  let keys: Keys | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  let lastFailed = false;
  let inFlight: Promise<void> | undefined;

  const refresh = async (): Promise<void> => {
    try {
      keys = await importKeys(JsonWebKeySet.parse(await fetch()));
      fetchedAt = now();
      notBefore = fetchedAt + coolDownMs;
      lastFailed = false;
    } catch (error) {
      notBefore = now() + failureCoolDownMs;
      lastFailed = true;
      onError?.(error);
    } finally {
      inFlight = undefined;
    }
  };
  const ask = (): Promise<void> | undefined => {
    if (!inFlight && now() >= notBefore) inFlight = refresh();
    return inFlight;
  };

  return {
    async find(kid) {
      const known = keys?.get(kid);
      if (known) {
        if (now() - fetchedAt > maxAgeMs) void ask();
        return known;
      }
      await ask();
      const found = keys?.get(kid);
      if (!found && (lastFailed || !keys)) {
        throw new Refusal('unavailable', 'the token cannot be verified now: its issuer cannot be reached', {
          retryAfterMs: failureCoolDownMs,
        });
      }
      return found;
    },
    has: (kid) => keys?.has(kid) ?? false,
  };
}
