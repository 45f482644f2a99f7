/**
 * Group commit as everyone but the store sees it. Everything that is written in one turn of the event loop shares a
 * transaction and a flush to disk.
 *
 * The rule that gives an acknowledgement its meaning: whatever leaves JetStream (acknowledgements, answers,
 * deliveries, advisories) leaves in `afterCommit`.
 */
export interface Commits {
  /**
   * Runs `work` when everything written so far is on disk; at once when nothing waits to be. Never runs after a
   * failed commit.
   */
  afterCommit(work: () => void): void;
  /**
   * Runs `work` once, inside the next batch just before it is committed, so that what can wait costs no flush of its
   * own. Without another writer that is at most 50 ms away. It does not hold back `afterCommit`: whoever has to wait
   * for its own write does the write first.
   */
  beforeCommit(work: () => void): void;
}
