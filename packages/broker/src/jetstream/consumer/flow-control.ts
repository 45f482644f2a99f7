/**
 * The window of a push consumer with flow control: bytes that were sent since the client last answered. When half of
 * it is used, the client is asked; when all of it is, nothing more is sent until it answers. The window begins small
 * and doubles with each answer (ADR-15, nats-server 2.9).
 */
const LARGEST_WINDOW = 32 * 1024 * 1024;

export class FlowControl {
  #window = LARGEST_WINDOW / 16;
  #outstanding = 0;
  /** Subject of the question that is open; empty when none is. */
  #question = '';
  /** Outstanding bytes that its answer will stand for. */
  #asked = 0;

  get isStalled(): boolean {
    return this.#outstanding > this.#window;
  }

  /** The subject of the question that has not been answered; empty when there is none. */
  get question(): string {
    return this.#question;
  }

  /** Bytes are sent. True when the client has to be asked now, under a subject to be given to `ask`. */
  sent(bytes: number): boolean {
    this.#outstanding += bytes;
    if (this.#question === '') return this.#outstanding > this.#window / 2;
    if (this.#outstanding - this.#asked >= this.#window) this.#asked += bytes;
    return false;
  }

  ask(subject: string): void {
    this.#question = subject;
    this.#asked = this.#outstanding;
  }

  /** The client answered a question. False when it was not the last one. */
  answered(subject: string): boolean {
    if (subject === '' || subject !== this.#question) return false;
    this.#window = Math.min(this.#window * 2, LARGEST_WINDOW);
    this.#outstanding = Math.max(0, this.#outstanding - this.#asked);
    this.#question = '';
    this.#asked = 0;
    return true;
  }
}
