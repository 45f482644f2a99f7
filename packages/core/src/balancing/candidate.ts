/** What balancers choose from, what they are told about a call, and what they are. */

/** An instance that may take the call: live, compatible and in a serving state. Others are left out by the caller. */
export interface Candidate {
  /** Instance id; the same after a restart. */
  readonly id: string;
  /** Calls of this process that the instance has not answered yet. */
  readonly inFlight: number;
  readonly zone: string;
  /** Share of traffic relative to the other candidates; above 0. */
  readonly weight: number;
  /** When this process first could call it, on the clock of `now`. */
  readonly joinedAt: number;
  /** Latency in milliseconds as of `now`, from {@link PeakEwma}; 0 while no call has been answered. */
  latencyAt(now: number): number;
}

/** What a choice depends on besides the candidates. May be one object that is changed from call to call. */
export interface ChoiceRequest {
  /** Milliseconds on a clock that does not go back. */
  now: number;
  /** Gives a number in [0, 1). */
  random: () => number;
  /** Value of the operation's `key` field; calls with the same one go to the same instance by consistent hash. */
  key: string | undefined;
  /** How long a new instance takes to reach its full share, in milliseconds; 0: it has it at once. */
  slowStartMs: number;
}

export interface Balancer {
  /**
   * Picks the instance for one call; undefined only when there is no candidate. Allocates nothing, as long as the array
   * is one that it has seen: an array of candidates is replaced when the set, a weight or a `joinedAt` changes, and
   * never changed itself.
   */
  choose<C extends Candidate>(candidates: readonly C[], request: ChoiceRequest): C | undefined;
}
