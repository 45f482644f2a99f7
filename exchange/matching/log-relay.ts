/**
 * Publishes the engine's log from its journal: every entry once, in order, without a gap, as soon as it is on disk. There
 * is no outbox beside the journal. Where to go on is what the stream itself says: the entry that it ends with. So a stream that
 * is behind is brought up to date, whatever the reason: matching died in between, the broker was away, its data was lost or
 * restored from a backup.
 *
 * Each entry is appended behind the very message that is the last one: what another has published in between, or what was
 * not stored, makes all that follows fail, and the relay looks again where it is.
 */
import { isDeepStrictEqual } from 'node:util';
import { FlotillaError, type Logger } from 'flotilla';
import type { LogEntry } from './contract.ts';

/** The stream of the log, as its only publisher sees it. */
export interface LogStream {
  /** How it ends now. Rejects while the broker is away. */
  end(): Promise<StreamEnd>;
  /**
   * Appends an entry, when the stream still ends at `after`. Resolves with the number that the stream gave it, once it is
   * there durably; rejects otherwise. Appends are in the order of the calls.
   */
  append(entry: LogEntry, after: number): Promise<number>;
}

export interface StreamEnd {
  /** The number that the stream gave last; 0 for a new one. */
  readonly after: number;
  /** The last entry in it; undefined for an empty one. */
  readonly entry: LogEntry | undefined;
}

export interface LogRelayOptions {
  /** Entries after a sequence, some of them, oldest first. */
  readonly page: (after: number) => readonly LogEntry[];
  /** Sequence of the last entry on disk. */
  readonly head: number;
  readonly stream: LogStream;
  readonly log: Logger;
  /** Called once when the stream has entries that are not those of the journal: nothing is published any more. */
  readonly onForeign: (error: unknown) => void;
}

/** Entries under way before the relay waits. */
const MOST_PENDING = 512;
/** Entries kept in memory, so that what was just journaled is not read again; trimmed when there are twice as many. */
const RECENT = 2_048;
/** Between attempts to reach the stream, in milliseconds; doubled from the least to the most. */
const LEAST_PAUSE_MS = 25;
const MOST_PAUSE_MS = 400;
/** How long the end waits for what is on its way. */
const CLOSING_MS = 1_000;

export class LogRelay {
  readonly #options: LogRelayOptions;
  readonly #closed: Promise<void>;
  /** Without a gap, up to `#head`. */
  #recent: LogEntry[] = [];
  #head: number;
  /** The last entry that the stream has, with all before it. */
  #published = 0;
  #pending = 0;
  #isClosing = false;
  #isOver = false;
  #isAway = false;
  #wake: () => void = () => {};

  /** It begins at once. */
  constructor(options: LogRelayOptions) {
    this.#options = options;
    this.#head = options.head;
    this.#closed = this.#run();
  }

  /** Sequence of the last entry that is known to be in the stream; 0 before that was asked. */
  get published(): number {
    return this.#published;
  }

  /** Entries that have just come to disk, in order. */
  offer(entries: readonly LogEntry[]): void {
    for (const entry of entries) this.#recent.push(entry);
    this.#head += entries.length;
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
    this.#wake();
  }

  /** Publishes what is on disk, for a second at most and unless that fails: the next start publishes the rest. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#wake();
    const timer = setTimeout(() => this.#stop(), CLOSING_MS);
    await this.#closed;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    let pauseMs = LEAST_PAUSE_MS;
    while (!this.#isDone()) {
      try {
        await this.#publish(() => {
          pauseMs = LEAST_PAUSE_MS;
        });
      } catch (error) {
        if (error instanceof ForeignLog) {
          this.#stop();
          this.#options.onForeign(error);
        } else if (this.#isClosing) this.#stop();
        else if (!this.#isOver) this.#away(error);
      }
      if (!this.#isDone()) await this.#awoken(pauseMs);
      pauseMs = Math.min(2 * pauseMs, MOST_PAUSE_MS);
    }
  }

  /** From the end of the stream on, until something fails or it is over. */
  async #publish(works: () => void): Promise<void> {
    const { stream } = this.#options;
    const end = await stream.end();
    let { after } = end;
    let last = this.#placeOf(end.entry);
    this.#published = last;
    let failure: unknown;
    const append = async (entry: LogEntry, behind: number): Promise<void> => {
      this.#pending += 1;
      try {
        const number = await stream.append(entry, behind);
        if (number !== behind + 1) throw misplaced(entry, behind, number);
        this.#published = Math.max(this.#published, entry.sequence);
        works();
        this.#back();
      } catch (error) {
        failure ??= error;
      }
      this.#pending -= 1;
      this.#wake();
    };
    let ready: readonly LogEntry[] = [];
    let next = 0;
    while (failure === undefined && !this.#isDone()) {
      if (next === ready.length) {
        ready = this.#some(last);
        next = 0;
      }
      for (; next < ready.length && this.#pending < MOST_PENDING; next++, after++) {
        const entry = ready[next]!;
        last = entry.sequence;
        void append(entry, after);
      }
      if (this.#pending >= MOST_PENDING || last === this.#head) await this.#awoken();
    }
    while (this.#pending > 0 && !this.#isOver) await this.#awoken();
    if (failure !== undefined) throw failure;
  }

  #some(last: number): readonly LogEntry[] {
    if (last === this.#head) return [];
    const first = this.#head - this.#recent.length + 1;
    return last + 1 >= first ? this.#recent.slice(last + 1 - first) : this.#options.page(last);
  }

  /** The entry of the journal with which the stream ends. */
  #placeOf(entry: LogEntry | undefined): number {
    if (entry === undefined) return 0;
    const { sequence } = entry;
    if (sequence > this.#head) {
      throw new ForeignLog(
        `the stream of the log ends with entry ${sequence}, the journal with ${this.#head}`,
      );
    }
    const own = this.#options.page(sequence - 1)[0];
    // Through JSON, as the stream's: a field that is undefined is no field.
    if (isDeepStrictEqual(JSON.parse(JSON.stringify(own)), entry)) return sequence;
    throw new ForeignLog(`entry ${sequence} of the journal is another one in the stream of the log`);
  }

  #isDone(): boolean {
    return this.#isOver || (this.#isClosing && this.#published >= this.#head);
  }

  #stop(): void {
    this.#isOver = true;
    this.#wake();
  }

  #away(error: unknown): void {
    if (this.#isAway) return;
    this.#isAway = true;
    const { log } = this.#options;
    log.warn('the log cannot be published: its followers wait', { after: this.#published, error });
  }

  #back(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#options.log.info('publishing the log', { after: this.#published });
  }

  /** Resolves when there is something new: to publish, or of what is under way; or after a time. One caller: the loop. */
  #awoken(mostMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = mostMs === undefined ? undefined : setTimeout(resolve, mostMs);
      this.#wake = () => {
        // An attempt that failed is followed by a pause, whatever is new; only the end cuts it short.
        if (mostMs !== undefined && !this.#isOver) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The stream and the journal are not of one log. */
class ForeignLog extends FlotillaError {
  constructor(what: string) {
    super(
      'log_foreign',
      `${what}: the database of matching, or the data of the broker, was exchanged. Restore the database of matching; ` +
        'or, if its journal is the right one, remove the stream and the databases of those who follow it',
    );
  }
}

function misplaced({ sequence }: LogEntry, after: number, number: number): FlotillaError {
  return new FlotillaError(
    'log_misplaced',
    `entry ${sequence} of the log was to be number ${after + 1} of its stream and is ${number}`,
  );
}
