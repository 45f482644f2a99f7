/** Redrive: dead letters are given back to the groups that gave them up, and are dead no more. */
import type { JetStreamApi } from '../jetstream/api.ts';
import { header, type Topology } from '../topology.ts';
import type { DeadLetter, DeadLetterFilter } from './dead-letter.ts';
import { deadLetters } from './dead-letters.ts';
import { giveToGroup } from './give-to-group.ts';
import { InFlight } from './in-flight.ts';
import { interrupted } from './interrupted.ts';
import { requireGroup } from './known-groups.ts';
import { Pace } from './pace.ts';

export interface RedriveOptions {
  /** Default: as fast as the broker takes them. */
  readonly perSecond?: number | undefined;
  /** Only says which. */
  readonly dryRun?: boolean | undefined;
  /** Ends it after the letter that is under way. */
  readonly signal?: AbortSignal | undefined;
  /** Called for each letter when its group has it; in a dry run, when it would be given. */
  readonly onLetter?: ((letter: DeadLetter) => void) | undefined;
}

export interface RedriveReport {
  /** Given to their groups; in a dry run, those that would be. */
  readonly letters: number;
  /** By group. */
  readonly groups: Readonly<Record<string, number>>;
  /** Ended by the signal before the last. */
  readonly stopped: boolean;
}

/** What a dead letter has beside the message. It stays behind, but for the way back to where the message was read. */
const obituary: ReadonlySet<string> = new Set([
  header.messageId,
  header.expectedLastSubjectSequence,
  header.reason,
  header.error,
  header.stack,
  header.attempts,
  header.firstAttempt,
  header.lastAttempt,
  header.instance,
  header.redrives,
]);

/** Letters under way at a time. */
const window = 32;

/**
 * A letter is removed when its group has it. Between the two the process may die: the letter is redriven once more then, under
 * the same id, by which the stream knows it again.
 *
 * @throws FlotillaError `not_found` for a letter of a group that nobody is in, `unavailable` when the broker goes away. The message says
 *   how many had been given.
 */
export async function redrive(
  api: JetStreamApi,
  topology: Topology,
  filter: DeadLetterFilter,
  { perSecond, dryRun = false, signal, onLetter }: RedriveOptions,
): Promise<RedriveReport> {
  const pace = new Pace(dryRun ? undefined : perSecond);
  const inFlight = new InFlight(window);
  const known = new Set<string>();
  const groups: Record<string, number> = {};
  let letters = 0;
  let stopped = false;
  const give = async (letter: DeadLetter): Promise<void> => {
    if (!dryRun) {
      await giveToGroup(api.connection, redriven(topology, letter));
      await api.deleteMessage(topology.deadLetterStream, letter.sequence);
    }
    letters++;
    groups[letter.group] = (groups[letter.group] ?? 0) + 1;
    onLetter?.(letter);
  };
  try {
    for await (const letter of deadLetters(api, topology, filter)) {
      await pace.turn(signal);
      stopped = signal?.aborted === true;
      if (stopped) break;
      const { group, service } = letter;
      if (!dryRun && !known.has(`${group} ${service}`)) await requireGroup(api, topology, group, service);
      known.add(`${group} ${service}`);
      await inFlight.begin(() => give(letter));
    }
    await inFlight.settled();
  } catch (cause) {
    await inFlight.settled().catch(() => {});
    throw dryRun ? cause : interrupted(cause, letters, 'dead letters were given back before');
  }
  return { letters, groups, stopped };
}

function redriven(topology: Topology, letter: DeadLetter) {
  const { group, service, event, sequence, time, payload, redrives } = letter;
  return {
    subject: topology.redriveSubject(group, service, event),
    payload,
    headers: [
      ...letter.headers.filter(([name]) => !obituary.has(name)),
      // The time tells letters apart whose stream was made anew.
      [header.messageId, `redrive:${sequence}:${time.getTime()}`],
      [header.redrives, String(redrives + 1)],
    ] as const,
  };
}
