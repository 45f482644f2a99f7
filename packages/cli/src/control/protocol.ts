/**
 * The control protocol: HTTP and JSON over a Unix socket, `authorization: Bearer <control token>`.
 *
 *     GET  /status                      FleetStatus
 *     GET  /instances                   InstanceView[]
 *     GET  /logs?service=&lines=&follow=1   LogEntry per line (application/x-ndjson)
 *     POST /restart/<service or instance>   204 when ready again
 *     POST /restart[/<name>]?rolling=1  RestartEvent per line; without a name every service. Ends when nobody reads it
 *     GET  /control                     ControlDocument: what every process was told last
 *     GET  /faults                      FaultView[]
 *     POST /faults                      FaultOrder → FaultView[]
 *     DELETE /faults?id=                FaultView[] that were ended; without an id all
 *     POST /policies                    { selector, settings: ["retry.attempts=1", …] } → PolicyRules of the run time
 *     DELETE /policies?selector=&key=   PolicyRules that are left; key may be repeated
 *     POST /breakers                    { selector, order: open | closed | auto } → the breakers that are held
 *     POST /stop                        202; ends when nothing runs any more
 *
 * Errors: ControlError with a matching status.
 */

import type { FleetUrls } from '../data/fleet-record.ts';
import type { FailureCode } from '../failure.ts';
import type { Mode } from '../supervision/fleet-state.ts';

export interface FleetStatus {
  readonly name: string;
  /** Pid of the supervisor. */
  readonly pid: number;
  readonly state: Mode;
  /** Absolute path of the configuration file. */
  readonly config: string;
  /** Absolute path of the data directory. */
  readonly data: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** From start to ready; null until then. */
  readonly readySeconds: number | null;
  readonly urls: FleetUrls;
  /** Version of this package. */
  readonly version: string;
}

export interface ControlError {
  readonly code: FailureCode;
  readonly message: string;
  readonly repair?: string;
}

export const HTTP_STATUS: Partial<Record<FailureCode, number>> = {
  usage: 400,
  not_found: 404,
  restart_failed: 409,
  faults_not_allowed: 403,
  broker_failed: 409,
  backup_failed: 409,
};
