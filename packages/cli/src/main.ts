/** The `flotilla` command: its commands, its help, and what its failures look like. */

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import type { Declare, Surroundings } from './commands/command.ts';
import { declareLogs } from './commands/logs.ts';
import { declarePs } from './commands/ps.ts';
import { declareRestart } from './commands/restart.ts';
import { declareStop } from './commands/stop.ts';
import { declareUp } from './commands/up.ts';
import { EXIT_STATUS } from './failure.ts';
import { processTerminal, reportFailure } from './output/terminal.ts';

const COMMANDS: readonly Declare[] = [declareUp, declarePs, declareLogs, declareStop, declareRestart];

/** Runs one command line. Sets `process.exitCode`, and leaves the process when nothing keeps it. */
export async function main(argv: readonly string[]): Promise<void> {
  const terminal = processTerminal();
  const surroundings: Surroundings = {
    terminal,
    env: process.env,
    cwd: process.cwd(),
    exitWith(status) {
      process.exitCode = status;
    },
  };
  const program = createProgram(surroundings);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode =
      error instanceof CommanderError
        ? usageStatus(error)
        : reportFailure(terminal, error, argv.includes('--json'));
  }
}

export function createProgram(surroundings: Surroundings): Command {
  const { terminal } = surroundings;
  const program = new Command('flotilla')
    .description('Run and operate a fleet of services.')
    .version(packageVersion(), '--version', 'print the version')
    .helpCommand(true)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.talk })
    .showHelpAfterError()
    .showSuggestionAfterError();
  for (const declare of COMMANDS) declare(program, surroundings);
  return program;
}

/** Help and version that were asked for are no errors. */
function usageStatus(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : EXIT_STATUS.usage;
}

function packageVersion(): string {
  const file: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : '0.0.0';
}
