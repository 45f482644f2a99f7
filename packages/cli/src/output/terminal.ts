/** Where a command writes: data to stdout, talk to stderr. Passed in, so that commands can be run without a terminal. */

import { Failure, messageOf } from '../failure.ts';
import { type Paint, paintFor } from './colour.ts';

export interface Terminal {
  /** Data. */
  out(text: string): void;
  /** Talk. */
  talk(text: string): void;
  readonly paintOut: Paint;
  readonly paintTalk: Paint;
}

export function processTerminal(): Terminal {
  // A reader that has seen enough (flotilla logs | head) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  return {
    out: (text) => void process.stdout.write(text),
    talk: (text) => void process.stderr.write(text),
    paintOut: paintFor(process.stdout, process.env),
    paintTalk: paintFor(process.stderr, process.env),
  };
}

/** `error: …` with its repair, or with `--json` one object on stderr. Returns the exit status. */
export function reportFailure(terminal: Terminal, thrown: unknown, json: boolean): number {
  const failure =
    thrown instanceof Failure
      ? thrown
      : new Failure('internal', `this is a defect of flotilla: ${describe(thrown)}`, { cause: thrown });
  const { code, message, repair, data } = failure;
  if (json) {
    terminal.talk(`${JSON.stringify({ error: { code, message, repair, data } })}\n`);
    return failure.exitStatus;
  }
  const { paintTalk } = terminal;
  terminal.talk(`${paintTalk('red', 'error')}: ${message}\n`);
  if (repair !== undefined) terminal.talk(`${paintTalk('yellow', 'repair')}: ${repair}\n`);
  return failure.exitStatus;
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
}
