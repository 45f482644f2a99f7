/** Replay: stored events are handled once more by one group, beside what it reads otherwise. */
import { randomUUID } from 'node:crypto';
import type { JetStreamApi } from '../jetstream/api.ts';
import { header, type Topology } from '../topology.ts';
import { giveToGroup } from './give-to-group.ts';
import { InFlight } from './in-flight.ts';
import { interrupted } from './interrupted.ts';
import { requireGroup } from './known-groups.ts';
import { Pace } from './pace.ts';
import { type Position, readMessages, type StoredMessage } from './read-messages.ts';

export interface ReplaySelection {
  readonly group: string;
  readonly service: string;
  /** Undefined: all events of the service. */
  readonly event?: string | undefined;
  readonly from: Position;
  /** The last place that is replayed. Undefined: what is stored at the call. */
  readonly until?: Position | undefined;
}

export interface ReplayOptions {
  /** Default: as fast as the broker takes them. */
  readonly perSecond?: number | undefined;
  /** Only counts. */
  readonly dryRun?: boolean | undefined;
  /** Ends it after the message that is under way. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}

export interface ReplayReport {
  /** Given to the group; in a dry run, those that would be. */
  readonly messages: number;
  /** Null when there are none. */
  readonly first: { readonly sequence: number; readonly time: Date } | null;
  readonly last: { readonly sequence: number; readonly time: Date } | null;
  readonly events: Readonly<Record<string, number>>;
  /** Ended by the signal before the last. */
  readonly stopped: boolean;
}

/** Messages under way at a time. */
const window = 64;

/**
 * Each replay has an id of its own, which its messages carry: a group's inbox knows them as new, whatever it has handled before.
 *
 * @throws FlotillaError `not_found` when the service has no stream of events, or the group does not read it.
 */
export async function replay(
  api: JetStreamApi,
  topology: Topology,
  { group, service, event, from, until }: ReplaySelection,
  { perSecond, dryRun = false, signal, onProgress }: ReplayOptions,
): Promise<ReplayReport> {
  const stream = topology.eventStream(service);
  const { state } = await api.streamInfo(stream);
  await requireGroup(api, topology, group, service);
  const filter = topology.eventFilter(service, '*', event);
  const end = until ?? { sequence: state.last_seq };
  const id = randomUUID();
  const pace = new Pace(dryRun ? undefined : perSecond);
  const inFlight = new InFlight(window);
  const events: Record<string, number> = {};
  let messages = 0;
  let first: ReplayReport['first'] = null;
  let last: ReplayReport['last'] = null;
  let stopped = false;
  // Sent in the order of the stream over one connection, they are stored and acknowledged in that order.
  const give = async (message: StoredMessage, event: string): Promise<void> => {
    if (!dryRun) {
      const subject = topology.redriveSubject(group, service, event);
      const headers = replayed(stream, message, id);
      await giveToGroup(api.connection, { subject, headers, payload: message.payload });
    }
    last = { sequence: message.sequence, time: message.time };
    first ??= last;
    events[event] = (events[event] ?? 0) + 1;
    messages++;
    onProgress?.(messages);
  };
  try {
    for await (const message of readMessages(api, { stream, filter, from, headersOnly: dryRun })) {
      if (isBehind(message, end)) break;
      const address = topology.readEventSubject(message.subject);
      if (address === undefined) continue;
      await pace.turn(signal);
      stopped = signal?.aborted === true;
      if (stopped) break;
      await inFlight.begin(() => give(message, address.event));
    }
    await inFlight.settled();
  } catch (cause) {
    await inFlight.settled().catch(() => {});
    throw dryRun ? cause : interrupted(cause, messages, 'messages had been given to the group before');
  }
  return { messages, first, last, events, stopped };
}

function isBehind({ sequence, time }: StoredMessage, end: Position): boolean {
  return 'time' in end ? time > end.time : sequence > end.sequence;
}

function replayed(stream: string, { sequence, subject, headers }: StoredMessage, id: string) {
  const own = new Set<string>([header.messageId, header.expectedLastSubjectSequence]);
  return [
    ...[...headers.entries()].filter(([name]) => !own.has(name)),
    [header.messageId, `replay:${id}:${sequence}`],
    [header.replay, id],
    [header.originStream, stream],
    [header.originSequence, String(sequence)],
    [header.originSubject, subject],
  ] as const;
}
