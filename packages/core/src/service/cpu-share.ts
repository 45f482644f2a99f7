/**
 * How much of a core this process has used lately. One that uses little is not overloaded, whatever its queue looks like: it
 * is the machine that does not let it run.
 */

/** A new measurement is taken after so long; what was used before the last one does not count. */
const everyMs = 100;

export class CpuShare {
  readonly #cpuMs: () => number;
  #measuredAt = Number.NEGATIVE_INFINITY;
  #cpuAt = 0;
  #share = 0;

  /** @param cpuMs CPU time used by this process so far, in milliseconds. */
  constructor(cpuMs: () => number = usedCpuMs) {
    this.#cpuMs = cpuMs;
  }

  /** 1: all of a core since the last measurement, which is at least 100 ms ago or lasts for so long. */
  lately(now: number): number {
    const elapsedMs = now - this.#measuredAt;
    if (elapsedMs < everyMs) return this.#share;
    const cpuMs = this.#cpuMs();
    this.#share = (cpuMs - this.#cpuAt) / elapsedMs;
    this.#measuredAt = now;
    this.#cpuAt = cpuMs;
    return this.#share;
  }
}

/** CPU time used by this process so far, user and system, in milliseconds. */
export function usedCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
