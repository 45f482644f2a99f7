/** Where a command writes: data to stdout, talk to stderr. Passed in, so that commands can be run without a terminal. */

import { codeOf, Failure, messageOf } from '../failure.ts';
import { type Paint, paintFor } from './colour.ts';

export interface Terminal {
  /** Data. */
  out(text: string): void;
  /** Talk. */
  talk(text: string): void;
  readonly paintOut: Paint;
  readonly paintTalk: Paint;
  /** Width of stdout in characters, where it is a terminal. */
  readonly columns?: number | undefined;
  /** What to do when nobody reads stdout any more (flotilla logs | head). Default: leave, for that is no error. */
  onReaderGone(react: () => void): void;
}

export function processTerminal(): Terminal {
  let react = (): void => process.exit(0);
  process.stdout.on('error', (error) => ifReaderGone(error, () => react()));
  // Talk that nobody hears is lost, and nothing else.
  process.stderr.on('error', (error) => ifReaderGone(error, () => {}));
  return {
    out: (text) => void process.stdout.write(text),
    talk: (text) => void process.stderr.write(text),
    paintOut: paintFor(process.stdout, process.env),
    paintTalk: paintFor(process.stderr, process.env),
    get columns() {
      return process.stdout.columns as number | undefined;
    },
    onReaderGone(reaction) {
      react = reaction;
    },
  };
}

function ifReaderGone(error: Error, react: () => void): void {
  if (codeOf(error) !== 'EPIPE') throw error;
  react();
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
