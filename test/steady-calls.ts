/** Calls at a steady rate, whatever becomes of them: what they met, and how many there were. */
import { FlotillaError } from 'flotilla';

export interface CallsReport {
  readonly calls: number;
  /** Why calls failed, each with its code first. */
  readonly failures: readonly string[];
}

export class SteadyCalls {
  readonly #pending = new Set<Promise<void>>();
  readonly #failures: string[] = [];
  readonly #timer: NodeJS.Timeout;
  #calls = 0;

  /** @param call one call; what it throws is a failure. */
  constructor(perSecond: number, call: () => Promise<unknown>) {
    const everyMs = 2;
    let owed = 0;
    this.#timer = setInterval(() => {
      for (owed += (perSecond * everyMs) / 1000; owed >= 1; owed--) this.#one(call);
    }, everyMs);
  }

  get calls(): number {
    return this.#calls;
  }

  /** Calls that are under way now. */
  get inFlight(): number {
    return this.#pending.size;
  }

  get failures(): readonly string[] {
    return this.#failures;
  }

  async stop(): Promise<CallsReport> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    return { calls: this.#calls, failures: this.#failures };
  }

  /** A test that fails does not leave its load to the next ones, nor to the process that would never end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #one(call: () => Promise<unknown>): void {
    this.#calls++;
    const done = call()
      .then(
        () => {},
        (error: unknown) => {
          const code = error instanceof FlotillaError ? error.code : 'error';
          this.#failures.push(`${code}: ${(error as Error).message}`);
        },
      )
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }
}
