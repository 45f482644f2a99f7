/**
 * What one client may cost. Defaults are those of nats-server 2.9, so that a fleet behaves the same when it moves
 * there.
 */
import { BrokerError } from './broker-error.ts';

export interface Limits {
  /** Largest payload of one message, headers included, in bytes. Default 1 MiB. A larger one closes the connection. */
  readonly maxPayload: number;
  /** Longest argument part of a control line, in bytes. Default 4096. */
  readonly maxControlLine: number;
  /** Subscriptions per connection; 0 means no limit. Default 0. */
  readonly maxSubscriptions: number;
  /** Connections at a time. Default 65 536. */
  readonly maxConnections: number;
  /** Bytes that may wait for one client before it is disconnected as a slow consumer. Default 64 MiB. */
  readonly maxPending: number;
  /** A client that takes nothing for this long while bytes wait for it is a slow consumer, in ms. Default 10 000. */
  readonly writeDeadlineMs: number;
  /** Time a client has for a valid CONNECT, in ms. Default 2 000. */
  readonly authTimeoutMs: number;
  /** Silence after which the broker sends PING, in ms. Default 120 000. */
  readonly pingIntervalMs: number;
  /** Unanswered PINGs before the connection is stale. Default 2. */
  readonly maxPingsOut: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxPayload: 1_048_576,
  maxControlLine: 4_096,
  maxSubscriptions: 0,
  maxConnections: 65_536,
  maxPending: 67_108_864,
  writeDeadlineMs: 10_000,
  authTimeoutMs: 2_000,
  pingIntervalMs: 120_000,
  maxPingsOut: 2,
};

/** Fills in the defaults. Throws `invalid_option` for a limit that is unknown or not a usable number. */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!(name in DEFAULT_LIMITS)) {
      throw new BrokerError(
        'invalid_option',
        `limits.${name} is not a limit of the broker`,
        `use one of ${Object.keys(DEFAULT_LIMITS).join(', ')}`,
      );
    }
    const least = name === 'maxSubscriptions' ? 0 : 1;
    if (value !== undefined && (!Number.isSafeInteger(value) || value < least)) {
      throw new BrokerError(
        'invalid_option',
        `limits.${name} is ${value}`,
        `give a whole number of at least ${least}`,
      );
    }
  }
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) limits[name as keyof Limits] = value;
  }
  if (limits.maxPending < limits.maxPayload) {
    throw new BrokerError(
      'invalid_option',
      `limits.maxPending (${limits.maxPending}) is below limits.maxPayload (${limits.maxPayload})`,
      'raise maxPending, or no client could receive the largest message',
    );
  }
  return limits;
}
