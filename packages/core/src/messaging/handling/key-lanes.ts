/**
 * In which order the messages of a partition may be handled at the same time: those of one key one after the other, those of
 * different keys beside each other. A pure state machine.
 */

/** What can wait in a lane. */
export interface Laned {
  /** Undefined: without a key there is one order. */
  readonly key: string | undefined;
}

export class KeyLanes<T extends Laned> {
  /** By key: those that wait behind the one being handled; null while none does. */
  readonly #lanes = new Map<string | undefined, T[] | null>();
  #waiting = 0;

  /** Keys that are being handled. */
  get active(): number {
    return this.#lanes.size;
  }

  /** Messages that wait behind another of their key. */
  get waiting(): number {
    return this.#waiting;
  }

  /** True: handle it now. False: it waits for the one before it. */
  enter(item: T): boolean {
    const { key } = item;
    const queue = this.#lanes.get(key);
    if (queue === undefined) {
      this.#lanes.set(key, null);
      return true;
    }
    if (queue) queue.push(item);
    else this.#lanes.set(key, [item]);
    this.#waiting += 1;
    return false;
  }

  /** The one being handled has ended. Gives the next of its key, to be handled now. */
  leave(key: string | undefined): T | undefined {
    const queue = this.#lanes.get(key);
    const next = queue?.shift();
    if (next === undefined) this.#lanes.delete(key);
    else this.#waiting -= 1;
    return next;
  }
}
