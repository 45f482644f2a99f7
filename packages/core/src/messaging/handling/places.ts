/** A number of places that many want: who finds none waits in line. */
export class Places {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  get free(): number {
    return this.#free;
  }

  /** Runs `enter` when there is a place: at once, or later. Whoever entered has to leave. */
  enter(enter: () => void): void {
    if (this.#free === 0) {
      this.#line.push(enter);
      return;
    }
    this.#free -= 1;
    enter();
  }

  leave(): void {
    const next = this.#line.shift();
    if (next) next();
    else this.#free += 1;
  }
}
