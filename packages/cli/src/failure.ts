/**
 * What goes wrong in front of an operator. A failure has a stable code, a message that names the cause, a repair,
 * and through its code the exit status of the command. docs/cli.md lists the codes; a test compares the two.
 */

/** Exit status for every failure code. 0 is success; 130 is a start or a stop cut short by a second Ctrl-C. */
export const EXIT_STATUS = {
  internal: 1,
  call_failed: 1,
  not_found: 1,
  unhealthy: 1,
  restart_failed: 1,
  faults_not_allowed: 1,
  broker_failed: 1,
  store_failed: 1,
  backup_failed: 1,
  store_damaged: 1,
  usage: 2,
  not_running: 3,
  invalid_configuration: 4,
  port_taken: 5,
  already_running: 6,
  start_failed: 7,
  unsafe_permissions: 8,
  interrupted: 130,
} as const;

export type FailureCode = keyof typeof EXIT_STATUS;

export interface FailureOptions {
  /** What the reader can do about it, as an imperative sentence. */
  readonly repair?: string;
  /** Machine-readable details, printed with `--json`. */
  readonly data?: unknown;
  readonly cause?: unknown;
}

export class Failure extends Error {
  readonly code: FailureCode;
  readonly repair: string | undefined;
  readonly data: unknown;

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.repair = options.repair;
    this.data = options.data;
  }

  get exitStatus(): number {
    return EXIT_STATUS[this.code];
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a Node or platform error, if it has one. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
