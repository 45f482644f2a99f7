/** The `flotilla` command: its commands, its help, and what its failures look like. */

import { Command, CommanderError } from 'commander';
import { declareBreaker } from './commands/breaker.ts';
import { declareBroker } from './commands/broker.ts';
import { declareCall } from './commands/call.ts';
import type { Declare, Surroundings } from './commands/command.ts';
import { declareConsumer } from './commands/consumer.ts';
import { declareContract } from './commands/contract.ts';
import { declareDeadLetters } from './commands/dead-letters.ts';
import { declareDoctor } from './commands/doctor.ts';
import { declareExplain } from './commands/explain.ts';
import { declareFault } from './commands/fault.ts';
import { declareLogs } from './commands/logs.ts';
import { declarePolicy } from './commands/policy.ts';
import { declarePs } from './commands/ps.ts';
import { declareRestart } from './commands/restart.ts';
import { declareServices } from './commands/services.ts';
import { declareStop } from './commands/stop.ts';
import { declareStream } from './commands/stream.ts';
import { declareTop } from './commands/top.ts';
import { declareTrace } from './commands/trace.ts';
import { declareUp } from './commands/up.ts';
import { EXIT_STATUS } from './failure.ts';
import { processTerminal, reportFailure } from './output/terminal.ts';
import { packageVersion } from './package-version.ts';

const COMMANDS: readonly Declare[] = [
  declareUp,
  declarePs,
  declareLogs,
  declareStop,
  declareRestart,
  declareCall,
  declareServices,
  declareContract,
  declareFault,
  declareBreaker,
  declarePolicy,
  declareExplain,
  declareTrace,
  declareTop,
  declareStream,
  declareConsumer,
  declareDeadLetters,
  declareDoctor,
  declareBroker,
];

/** Time for output to leave, in milliseconds. */
const LINGER_MS = 250;

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
  // The command is done: what is still under way, such as an attempt to reach a broker that is gone, does not matter.
  setTimeout(() => process.exit(), LINGER_MS).unref();
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
