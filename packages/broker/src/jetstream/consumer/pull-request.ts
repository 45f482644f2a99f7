/** A request for messages (`$JS.API.CONSUMER.MSG.NEXT.…`): what its body means, and what is left of it. */

export interface PullRequest {
  /** Where its messages go. */
  readonly inbox: string;
  /** Messages that it still wants. What is not positive wants one, as for the server. */
  remaining: number;
  /** Messages that it got. */
  delivered: number;
  /** Bytes that it still takes; 0 from the beginning for any number. */
  bytes: number;
  readonly limitsBytes: boolean;
  /** In ms; `Infinity` for never. */
  readonly expiresAt: number;
  readonly receivedAt: number;
  /** Interval of heartbeats while nothing comes, in ms; 0 for none. */
  readonly heartbeat: number;
  /** `Infinity` without heartbeats. */
  heartbeatAt: number;
  /** Wants only what is there. */
  readonly noWait: boolean;
}

/** Thrown for a body that cannot be understood; the message is what the client is told behind `Bad Request - `. */
export class BadPullRequest extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadPullRequest';
  }
}

const FIELDS: Readonly<Record<string, { readonly type: string; readonly go: string }>> = {
  expires: { type: 'number', go: 'time.Duration' },
  batch: { type: 'number', go: 'int' },
  max_bytes: { type: 'number', go: 'int' },
  no_wait: { type: 'boolean', go: 'bool' },
  idle_heartbeat: { type: 'number', go: 'time.Duration' },
};
const NS_PER_MS = 1e6;

/**
 * An empty body asks for one message, a number for so many, JSON says more; any other text is taken for an empty one.
 *
 * @param body wire text.
 * @param now in ms.
 * @throws BadPullRequest
 */
export function readPullRequest(body: string, inbox: string, now: number): PullRequest {
  const text = body.trim();
  if (!text.startsWith('{')) {
    const batch = /^[+-]?\d+$/.test(text) ? Number(text) : 1;
    return createRequest(inbox, now, batch, 0, 0, 0, false);
  }
  const { batch = 0, expires = 0, max_bytes = 0, idle_heartbeat = 0, no_wait = false } = readFields(text);
  if (idle_heartbeat > 0 && idle_heartbeat * 2 > expires) {
    throw new BadPullRequest('heartbeat value too large');
  }
  return createRequest(inbox, now, batch, expires, max_bytes, idle_heartbeat, no_wait);
}

interface Fields {
  readonly batch?: number;
  readonly expires?: number;
  readonly max_bytes?: number;
  readonly idle_heartbeat?: number;
  readonly no_wait?: boolean;
}

function readFields(text: string): Fields {
  let json: Readonly<Record<string, unknown>>;
  try {
    json = JSON.parse(text);
  } catch {
    throw new BadPullRequest('invalid JSON');
  }
  const fields: Record<string, unknown> = {};
  for (const [name, { type, go }] of Object.entries(FIELDS)) {
    const value = json[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== type || (type === 'number' && !Number.isInteger(value))) {
      const given = typeof value === 'number' ? `number ${value}` : goKind(value);
      throw new BadPullRequest(
        `json: cannot unmarshal ${given} into Go struct field JSApiConsumerGetNextRequest.${name} of type ${go}`,
      );
    }
    fields[name] = value;
  }
  return fields;
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** Heartbeats this far apart, in ms, are sent at common moments. */
const SELDOM_MS = 5_000;
const MOMENT_MS = 500;

/**
 * When a request that is given something now is to be given a sign of life, at the latest. Those of many requests come together where
 * they are seldom, a little sooner than asked for: an idle client and the broker wake once for all of them.
 */
export function nextHeartbeat(now: number, interval: number): number {
  const at = now + interval;
  return interval < SELDOM_MS ? at : Math.floor(at / MOMENT_MS) * MOMENT_MS;
}

function createRequest(
  inbox: string,
  now: number,
  batch: number,
  expires: number,
  maxBytes: number,
  heartbeat: number,
  noWait: boolean,
): PullRequest {
  const interval = heartbeat > 0 ? heartbeat / NS_PER_MS : 0;
  return {
    inbox,
    remaining: batch,
    delivered: 0,
    bytes: maxBytes,
    limitsBytes: maxBytes > 0,
    expiresAt: expires === 0 ? Number.POSITIVE_INFINITY : now + expires / NS_PER_MS,
    receivedAt: now,
    heartbeat: interval,
    heartbeatAt: interval > 0 ? nextHeartbeat(now, interval) : Number.POSITIVE_INFINITY,
    noWait,
  };
}
