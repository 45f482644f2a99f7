/**
 * The names under which a fleet's messages lie on the broker: streams, subjects, consumers, keys, headers. All of them begin
 * with the fleet, so that fleets share a NATS cluster without seeing each other.
 *
 * | what | stream | subjects |
 * | --- | --- | --- |
 * | events of a service (an event family) | `F_<service>` | `F.events.<service>.<partition>.<event>` |
 * | dead letters | `F_DEAD_LETTERS` | `F.dead-letters.<service>.<group>.<event>` |
 * | redriven and replayed to one group | `F_REDRIVE` | `F.redrive.<group>.<service>.<event>` |
 * | attempts at work that went wrong | `F_ATTEMPTS` | `F.attempts.<group>.<stream>.<sequence>` |
 * | not due yet | `F_DELAYED` | `F.delayed.<service>.<partition>.<event>` |
 * | at most once | none | `F.emit.<service>.<event>` |
 * | who reads which partition, and how far | `KV_F_groups` | `$KV.F_groups.<key>` |
 *
 * Fleets, services and groups are lower-case words with hyphens, and events camel-case words: none holds a dot or an underscore,
 * so every name can be taken apart again, and no service's stream can be called like one of the platform's.
 */

/** A fleet's, service's or group's name. */
const word = '[a-z][a-z0-9-]{0,62}';
const eventName = '[a-z][a-zA-Z0-9]{0,62}';

const groupPattern = new RegExp(`^${word}$`);

/** Whether this can be the name of a consumer group: it becomes part of subjects and keys. */
export function isGroupName(name: string): boolean {
  return groupPattern.test(name);
}

/** Where an event lies: `partition` is absent where there is none. */
export interface EventAddress {
  readonly service: string;
  readonly event: string;
}

export class Topology {
  readonly fleet: string;

  constructor(fleet: string) {
    this.fleet = fleet;
  }

  // Streams

  /** The stream of all events of a service. */
  eventStream(service: string): string {
    return `${this.fleet}_${service}`;
  }

  /** The service whose events a stream holds; undefined for any other stream. */
  serviceOfStream(stream: string): string | undefined {
    const rest = stream.startsWith(`${this.fleet}_`) ? stream.slice(this.fleet.length + 1) : '';
    return groupPattern.test(rest) ? rest : undefined;
  }

  get deadLetterStream(): string {
    return `${this.fleet}_DEAD_LETTERS`;
  }

  get redriveStream(): string {
    return `${this.fleet}_REDRIVE`;
  }

  get attemptsStream(): string {
    return `${this.fleet}_ATTEMPTS`;
  }

  get delayedStream(): string {
    return `${this.fleet}_DELAYED`;
  }

  /** The key-value bucket of partitions and members; its stream is `KV_<bucket>`. */
  get groupsBucket(): string {
    return `${this.fleet}_groups`;
  }

  get groupsStream(): string {
    return `KV_${this.groupsBucket}`;
  }

  // Subjects

  eventSubject(service: string, partition: number, event: string): string {
    return `${this.fleet}.events.${service}.${partition}.${event}`;
  }

  /** Of what a reader of one partition, or of all, is to get; without an event: of all events. */
  eventFilter(service: string, partition: number | '*', event?: string): string {
    return `${this.fleet}.events.${service}.${partition}.${event ?? '>'}`;
  }

  /** The subjects of a service's stream. */
  eventSubjects(service: string): string {
    return `${this.fleet}.events.${service}.>`;
  }

  emitSubject(service: string, event: string): string {
    return `${this.fleet}.emit.${service}.${event}`;
  }

  /** For each left out part: all. */
  deadLetterSubject(service = '*', group = '*', event = '*'): string {
    return `${this.fleet}.dead-letters.${service}.${group}.${event}`;
  }

  redriveSubject(group: string, service = '*', event = '*'): string {
    return `${this.fleet}.redrive.${group}.${service}.${event}`;
  }

  /** Of a message that is named by its stream and sequence. */
  attemptSubject(group: string, stream: string, sequence: number): string {
    return `${this.fleet}.attempts.${group}.${stream}.${sequence}`;
  }

  delayedSubject(service: string, partition: number, event: string): string {
    return `${this.fleet}.delayed.${service}.${partition}.${event}`;
  }

  // Durable consumers

  /** Of a group that competes for an event (`work`), on the event's stream. */
  workConsumer(group: string, event: string): string {
    return `work_${group}_${event}`;
  }

  /** Of the messages of a service that are given back to a group, on the redrive stream. */
  redriveConsumer(group: string, service: string): string {
    return `redrive_${group}_${service}`;
  }

  /** The one that hands on what is due, on the stream of delayed messages. */
  get delayedConsumer(): string {
    return 'relay';
  }

  // Keys of the groups' bucket

  /** Who owns a partition for a group, and how far it has come. */
  partitionKey(group: string, service: string, partition: number | '*'): string {
    return `${group}.partition.${service}.${partition}`;
  }

  /** That an instance lives, and reads a service's events for a group. */
  memberKey(group: string, service: string, instance: string): string {
    return `${group}.member.${service}.${encodeURIComponent(instance).replaceAll('.', '%2E').replaceAll('%', '=')}`;
  }

  /** Subjects of the keys of a group that are about the events of one service. */
  groupFilter(group: string, service: string): string {
    return this.keySubject(`${group}.*.${service}.*`);
  }

  keySubject(key: string): string {
    return `$KV.${this.groupsBucket}.${key}`;
  }

  /** The key of a message in the bucket's stream. */
  keyOf(subject: string): string {
    return subject.slice(this.keySubject('').length);
  }

  // Back from names

  /** What the subject of a stored event says; undefined for any other subject. */
  readEventSubject(subject: string): (EventAddress & { readonly partition: number }) | undefined {
    return this.#readPartitioned('events', subject);
  }

  readDelayedSubject(subject: string): (EventAddress & { readonly partition: number }) | undefined {
    return this.#readPartitioned('delayed', subject);
  }

  readDeadLetterSubject(subject: string): (EventAddress & { readonly group: string }) | undefined {
    const found = this.#match(`dead-letters\\.(${word})\\.(${word})\\.(${eventName})`, subject);
    return found && { service: found[1]!, group: found[2]!, event: found[3]! };
  }

  readRedriveSubject(subject: string): (EventAddress & { readonly group: string }) | undefined {
    const found = this.#match(`redrive\\.(${word})\\.(${word})\\.(${eventName})`, subject);
    return found && { group: found[1]!, service: found[2]!, event: found[3]! };
  }

  readPartitionKey(
    key: string,
  ): { readonly group: string; readonly service: string; readonly partition: number } | undefined {
    const found = new RegExp(`^(${word})\\.partition\\.(${word})\\.(\\d+)$`).exec(key);
    return found ? { group: found[1]!, service: found[2]!, partition: Number(found[3]) } : undefined;
  }

  readMemberKey(
    key: string,
  ): { readonly group: string; readonly service: string; readonly instance: string } | undefined {
    const found = new RegExp(`^(${word})\\.member\\.(${word})\\.([^.]+)$`).exec(key);
    if (!found) return undefined;
    return {
      group: found[1]!,
      service: found[2]!,
      instance: decodeURIComponent(found[3]!.replaceAll('=', '%')),
    };
  }

  readWorkConsumer(name: string): { readonly group: string; readonly event: string } | undefined {
    const found = new RegExp(`^work_(${word})_(${eventName})$`).exec(name);
    return found ? { group: found[1]!, event: found[2]! } : undefined;
  }

  readRedriveConsumer(name: string): { readonly group: string; readonly service: string } | undefined {
    const found = new RegExp(`^redrive_(${word})_(${word})$`).exec(name);
    return found ? { group: found[1]!, service: found[2]! } : undefined;
  }

  #readPartitioned(
    kind: string,
    subject: string,
  ): (EventAddress & { readonly partition: number }) | undefined {
    const found = this.#match(`${kind}\\.(${word})\\.(\\d+)\\.(${eventName})`, subject);
    return found && { service: found[1]!, partition: Number(found[2]), event: found[3]! };
  }

  #match(pattern: string, subject: string): RegExpExecArray | undefined {
    const prefix = `${this.fleet}.`;
    if (!subject.startsWith(prefix)) return undefined;
    return new RegExp(`^${pattern}$`).exec(subject.slice(prefix.length)) ?? undefined;
  }
}

/**
 * Headers of a stored message: CloudEvents 1.0 attributes in binary mode, W3C trace context, those that JetStream itself reads,
 * and ours.
 */
export const header = {
  /** By which the stream recognises a repetition; the same as `ce-id`. */
  messageId: 'Nats-Msg-Id',
  expectedLastSequence: 'Nats-Expected-Last-Sequence',
  expectedLastSubjectSequence: 'Nats-Expected-Last-Subject-Sequence',

  id: 'ce-id',
  /** `/<fleet>/<service>` of the instance that published. */
  source: 'ce-source',
  /** `<service>.<event>`. */
  type: 'ce-type',
  specVersion: 'ce-specversion',
  /** When it was published, RFC 3339. */
  time: 'ce-time',
  /** CloudEvents' partitioning extension: the value of the event's key, percent-encoded. */
  key: 'ce-partitionkey',
  contentType: 'content-type',
  traceparent: 'traceparent',

  /** On a delayed message: when it is due, in Unix milliseconds. */
  due: 'flotilla-due',

  // On dead letters, and on what is redriven.

  group: 'flotilla-group',
  /** Why it could not be handled: a {@link DeadLetterReason}. */
  reason: 'flotilla-reason',
  /** Code and message of the last error, percent-encoded. */
  error: 'flotilla-error',
  stack: 'flotilla-stack',
  attempts: 'flotilla-attempts',
  /** Unix milliseconds of the first and the last attempt. */
  firstAttempt: 'flotilla-first-attempt',
  lastAttempt: 'flotilla-last-attempt',
  /** Instance that gave it up. */
  instance: 'flotilla-instance',
  originStream: 'flotilla-origin-stream',
  originSequence: 'flotilla-origin-sequence',
  originSubject: 'flotilla-origin-subject',
  /** How often it was redriven before. */
  redrives: 'flotilla-redrives',
  /** Names one replay: the same message handled again on purpose, which the inbox must let pass. */
  replay: 'flotilla-replay',
} as const;

/** Why a message became a dead letter. */
export type DeadLetterReason =
  /** The payload is no JSON or does not match the contract. */
  | 'invalid'
  /** The handler failed in a way that a repetition does not help. */
  | 'permanent'
  /** The handler failed as often as the retry policy allows. */
  | 'exhausted'
  /** The process died again and again while it handled the message. */
  | 'crashed';

/** The description of an event stream: by it a publisher learns the number of partitions, on any version of the server. */
export function describeFamily(service: string, partitions: number): string {
  return `events of ${service} in ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`;
}

/** The number of partitions from a stream's description; undefined when it is not that of an event stream. */
export function partitionsOf(description: string | undefined): number | undefined {
  const found = /^events of \S+ in (\d+) partitions?$/.exec(description ?? '');
  return found ? Number(found[1]) : undefined;
}

/**
 * The partition of a key, the same in every process and version: FNV-1a (32 bit) of the key's UTF-8 bytes, modulo the number of
 * partitions. An event without a key is in partition 0: without a key there is one order.
 */
export function partitionOf(key: string | undefined, partitions: number): number {
  if (key === undefined || partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    const unit = key.charCodeAt(at);
    if (unit >= 0x80) return hashOfBytes(Buffer.from(key, 'utf8')) % partitions;
    hash = Math.imul(hash ^ unit, 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

function hashOfBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
