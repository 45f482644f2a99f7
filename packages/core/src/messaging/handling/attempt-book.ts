/**
 * Notes of how attempts at a group's work ended, shared by its members: see `suspicion.ts`. Nothing is noted of what succeeds at once.
 */
import { errorNumber, numberOf } from '../jetstream/api-error.ts';
import type { Streams } from '../jetstream/streams.ts';
import { Outgoing, type PublishAck, type Publisher } from '../publishing/publisher.ts';
import type { AttemptNote } from './suspicion.ts';

export interface AttemptBookOptions {
  readonly streams: Streams;
  readonly publisher: Publisher;
  readonly group: string;
  /** Whose messages. */
  readonly stream: string;
}

const writeWithinMs = 5_000;

export class AttemptBook {
  readonly #options: AttemptBookOptions;

  constructor(options: AttemptBookOptions) {
    this.#options = options;
  }

  /** Undefined when nothing is noted of a message. */
  async read(sequence: number): Promise<AttemptNote | undefined> {
    const { streams } = this.#options;
    try {
      const found = await streams.api.lastMessage(streams.topology.attemptsStream, this.#subject(sequence));
      return found && (JSON.parse(Buffer.from(found.data ?? '', 'base64').toString('utf8')) as AttemptNote);
    } catch (error) {
      // Its stream lives in memory, and may be gone with a server.
      if (numberOf(error) === errorNumber.streamNotFound) return undefined;
      throw error;
    }
  }

  /** Resolves when the note is stored. */
  async write(sequence: number, note: AttemptNote): Promise<void> {
    const payload = Buffer.from(JSON.stringify(note));
    const dueAt = performance.now() + writeWithinMs;
    await new Promise<PublishAck>((resolve, reject) => {
      const subject = this.#subject(sequence);
      this.#options.publisher.send(new Outgoing(subject, undefined, payload, dueAt, resolve, reject));
    });
  }

  #subject(sequence: number): string {
    const { streams, group, stream } = this.#options;
    return streams.topology.attemptSubject(group, stream, sequence);
  }
}
