/** Holds back everything that a data plane would send, for an injected black hole. Open, it costs one test per response. */
export class ResponseGate {
  #waiting: (() => void)[] = [];
  #released: PromiseWithResolvers<void> | undefined;

  get held(): boolean {
    return this.#released !== undefined;
  }

  /** Settles when nothing is held any more. */
  get opened(): Promise<void> {
    return this.#released?.promise ?? Promise.resolve();
  }

  /** False lets everything go that was held, in its order. */
  hold(on: boolean): void {
    if (this.held === on) return;
    if (on) {
      this.#released = Promise.withResolvers();
      return;
    }
    const released = this.#released;
    this.#released = undefined;
    for (const action of this.#waiting.splice(0)) action();
    released?.resolve();
  }

  /** Does it now, or when the gate opens. */
  pass(action: () => void): void {
    if (this.held) this.#waiting.push(action);
    else action();
  }
}
