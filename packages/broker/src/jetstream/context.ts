/** What all parts of JetStream stand on: routing, time, group commit, log. */
import type { Router } from '../routing/router.ts';
import type { Log } from '../server/log.ts';
import type { ApiHandler } from './api/api-request.ts';
import type { Commits } from './store/commits.ts';
import type { DamagedRecord } from './store/damaged-record.ts';

export interface JetStreamContext {
  readonly router: Router;
  readonly commits: Commits;
  readonly log: Log;
  /** Wall clock in µs since 1970. */
  nowUs(): number;
  /**
   * Publishes an advisory after the next commit. `subject`, as text, is what stands behind `$JS.EVENT.ADVISORY.`, `type` what
   * stands behind `io.nats.jetstream.advisory.v1.`; id, timestamp and type are filled in.
   */
  advise(subject: string, type: string, fields: Readonly<Record<string, unknown>>): void;
  /** The same for a metric: under `$JS.EVENT.METRIC.` and `io.nats.jetstream.metric.v1.`. */
  measure(subject: string, type: string, fields: Readonly<Record<string, unknown>>): void;
  /**
   * Answers requests whose subject begins with `$JS.API.` and these tokens. `responseType` is what stands behind
   * `io.nats.jetstream.api.v1.` in the answer's `type`.
   */
  handle(tokens: string, responseType: string, handler: ApiHandler): void;
  /** A stored message could not be read: it is logged and counted, for operators to see. */
  damaged(error: DamagedRecord): void;
}
