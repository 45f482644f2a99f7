/** One thing wrong with a fleet configuration: where, what, and how to repair it. */

import { Failure } from '../failure.ts';

export interface Problem {
  /** Path inside the configuration, e.g. `services.risk.replicas`. Empty for the configuration as a whole. */
  readonly path: string;
  readonly message: string;
  readonly repair: string;
}

/**
 * Everything wrong with a configuration, in one error.
 *
 * Gotcha: it carries the rejected value, so that whoever knows the file's directory can add what only the
 * directory shows (entries that do not exist) to the same list.
 */
export class FleetConfigError extends Failure {
  readonly problems: readonly Problem[];
  readonly rejected: unknown;

  constructor(problems: readonly Problem[], rejected: unknown, source = 'the fleet configuration') {
    super('invalid_configuration', `${source} has ${count(problems.length)}:\n${listing(problems)}`, {
      data: { problems },
    });
    this.name = 'FleetConfigError';
    this.problems = problems;
    this.rejected = rejected;
  }
}

function count(problems: number): string {
  return problems === 1 ? '1 problem' : `${problems} problems`;
}

function listing(problems: readonly Problem[]): string {
  return problems
    .map(({ path, message, repair }) => `  ${path === '' ? '(whole)' : path}: ${message}; ${repair}`)
    .join('\n');
}
