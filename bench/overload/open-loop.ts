/** Callers who do not wait for one answer before they ask again: calls at a steady rate, whatever becomes of them. */
import type { CallReceiver, FlotillaError } from 'flotilla';

/** The part of a channel that is needed here: calls go out as they are, without the retries and throttles of a client. */
export interface Sender {
  send(
    operation: string,
    payload: Uint8Array,
    options: { deadlineMs: number },
    receiver: CallReceiver,
  ): unknown;
}

export interface OpenLoad {
  readonly operation: string;
  readonly perSecond: number;
}

/** What became of the calls, in milliseconds from each call to its outcome. */
export interface Outcomes {
  readonly operation: string;
  readonly answered: number[];
  readonly refused: number[];
  /** Codes of everything else. */
  readonly lost: string[];
}

const payload = Buffer.from('{}');
const deadlineMs = 1_000;
const mostWarmupMs = 1_000;

/** Offers the load for so long, after a warm-up of a second or as long. An outcome counts when it comes within that time. */
export async function offer(sender: Sender, load: OpenLoad, seconds: number): Promise<Outcomes> {
  const outcomes: Outcomes = { operation: load.operation, answered: [], refused: [], lost: [] };
  const startedAt = performance.now();
  const from = startedAt + Math.min(mostWarmupMs, seconds * 1000);
  const to = from + seconds * 1000;
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      if (now > to) {
        clearInterval(timer);
        resolve();
        return;
      }
      const due = ((now - startedAt) / 1000) * load.perSecond;
      for (; sent < due; sent++) new OpenCall(sender, load.operation, outcomes, from, to);
    }, 1);
  });
  return outcomes;
}

class OpenCall implements CallReceiver {
  readonly #outcomes: Outcomes;
  readonly #from: number;
  readonly #to: number;
  readonly #sentAt = performance.now();

  constructor(sender: Sender, operation: string, outcomes: Outcomes, from: number, to: number) {
    this.#outcomes = outcomes;
    this.#from = from;
    this.#to = to;
    try {
      sender.send(operation, payload, { deadlineMs }, this);
    } catch (error) {
      // The connection carries no more, which is no refusal by the server.
      if (this.#isCounted(this.#sentAt)) outcomes.lost.push(`not sent: ${(error as FlotillaError).code}`);
    }
  }

  succeeded(): void {
    this.#count(this.#outcomes.answered);
  }

  failed({ code }: FlotillaError): void {
    if (code === 'overloaded') this.#count(this.#outcomes.refused);
    else if (this.#isCounted(performance.now())) this.#outcomes.lost.push(code);
  }

  #count(list: number[]): void {
    const now = performance.now();
    if (this.#isCounted(now)) list.push(now - this.#sentAt);
  }

  #isCounted(now: number): boolean {
    return now >= this.#from && now < this.#to;
  }
}
