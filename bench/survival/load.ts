/** Calls at a steady rate, whether or not earlier ones have been answered. */
import { FlotillaError } from 'flotilla';
import type { CallSample } from './samples.ts';

export class Load {
  readonly samples: CallSample[] = [];
  readonly #call: () => Promise<unknown>;
  readonly #timer: NodeJS.Timeout;
  #waiting = 0;

  constructor(call: () => Promise<unknown>, perSecond: number) {
    this.#call = call;
    const startedAt = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startedAt) / 1000) * perSecond;
      for (; sent < due; sent++) void this.#one();
    }, 1);
  }

  /** Ends it, and waits for the answers that are due. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#waiting > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async #one(): Promise<void> {
    this.#waiting++;
    const begin = performance.now();
    let code = 'ok';
    try {
      await this.#call();
    } catch (error) {
      code = error instanceof FlotillaError ? named(error) : 'not a FlotillaError';
    }
    this.#waiting--;
    this.samples.push({ at: performance.timeOrigin + begin, ms: performance.now() - begin, code });
  }
}

/** `overloaded (waited)`: the code, and why or where the call was refused. */
function named({ code, data, remote }: FlotillaError): string {
  const reason = (data as { reason?: unknown } | undefined)?.reason;
  const detail = typeof reason === 'string' ? reason : remote ? undefined : 'by the caller itself';
  return detail === undefined ? code : `${code} (${detail})`;
}
