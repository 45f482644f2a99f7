/** What every command is given, and how it is declared. Heavy modules are imported by its action, not by its file. */

import type { Command } from 'commander';
import type { Whereabouts } from '../data/which-fleet.ts';
import type { Terminal } from '../output/terminal.ts';

export interface Surroundings {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Sets the exit status of the process, for a command whose answer is "no". */
  exitWith(status: number): void;
}

/** Adds one command to the program. */
export type Declare = (program: Command, surroundings: Surroundings) => void;

export interface FleetOptions extends Whereabouts {
  readonly json?: boolean;
}

/** `--data`, `--config`: which fleet. `--json`: for machines. */
export function withFleetOptions(command: Command): Command {
  return command
    .option('--data <directory>', 'data directory of the fleet (default: that of the last up from here)')
    .option('--config <file>', 'configuration file of the fleet')
    .option('--json', 'print JSON');
}
