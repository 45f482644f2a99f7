/** Events that the broker tells about itself: `$JS.EVENT.…`, sent when what they tell is on disk. */
import { randomBytes } from 'node:crypto';
import type { LocalClient } from '../routing/local-client.ts';
import type { Commits } from './store/commits.ts';
import { timestamp } from './timestamp.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 22;

export interface Advisories {
  /** See `JetStreamContext.advise`. */
  advise(subject: string, type: string, fields: Readonly<Record<string, unknown>>): void;
  /** See `JetStreamContext.measure`. */
  measure(subject: string, type: string, fields: Readonly<Record<string, unknown>>): void;
}

export function advisories(client: LocalClient, commits: Commits, nowUs: () => number): Advisories {
  const tell = (subject: string, type: string, fields: Readonly<Record<string, unknown>>): void => {
    const event = { type, id: eventId(), timestamp: timestamp(nowUs()), ...fields };
    commits.afterCommit(() => client.publish(subject, Buffer.from(JSON.stringify(event))));
  };
  return {
    advise: (subject, type, fields) =>
      tell(`$JS.EVENT.ADVISORY.${subject}`, `io.nats.jetstream.advisory.v1.${type}`, fields),
    measure: (subject, type, fields) =>
      tell(`$JS.EVENT.METRIC.${subject}`, `io.nats.jetstream.metric.v1.${type}`, fields),
  };
}

/** As long as the ids of nats-server, from the same alphabet. */
function eventId(): string {
  return Array.from(randomBytes(ID_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
