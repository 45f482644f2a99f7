/**
 * `node exchange/feeds/venue/verify.ts FILE [--json] [--price-decimals N] [--quantity-decimals N] [--require-snapshot]`
 *
 * Checks a recording and prints the figures. Exit code 0: every comparison agreed; 1: the book differed from the
 * venue's tickers, was crossed, or nothing could be compared; 2: the recording is damaged; 64: wrong usage.
 */

import { parseArgs } from 'node:util';
import { RecordingError } from './recording-error.ts';
import { type Verification, verifyRecording } from './verification.ts';

const USAGE =
  'usage: node exchange/feeds/venue/verify.ts FILE [--json] [--price-decimals N] [--quantity-decimals N] [--require-snapshot]';

export interface Output {
  out(line: string): void;
  err(line: string): void;
}

/** Runs the command and returns its exit code. */
export async function verifyCommand(args: readonly string[], { out, err }: Output): Promise<number> {
  const parsed = parse(args);
  if (typeof parsed === 'string') {
    err(parsed);
    err(USAGE);
    return 64;
  }
  try {
    const result = await verifyRecording(parsed.file, parsed);
    if (parsed.json) out(JSON.stringify(result));
    else for (const line of report(result)) out(line);
    return result.mismatchCount > 0 || result.crossed > 0 || result.compared === 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    if (parsed.json) {
      const { code, file, line, fault, detail, repair } = error;
      out(JSON.stringify({ error: { code, file, line, fault, detail, repair } }));
    }
    err(error.message);
    return 2;
  }
}

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        'price-decimals': { type: 'string', default: '2' },
        'quantity-decimals': { type: 'string', default: '8' },
        'require-snapshot': { type: 'boolean', default: false },
      },
    });
    const [file, ...others] = positionals;
    if (file === undefined || others.length > 0) return 'name one recording';
    return {
      file,
      json: values.json,
      requireSnapshot: values['require-snapshot'],
      priceDecimals: decimals(values['price-decimals']),
      quantityDecimals: decimals(values['quantity-decimals']),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function decimals(text: string): number {
  if (!/^(\d|1[0-2])$/.test(text)) throw new RangeError(`"${text}" is not a number of decimals from 0 to 12`);
  return Number(text);
}

function* report(result: Verification): Generator<string> {
  const { messages, diffs, tickers, trades, snapshots } = result;
  yield `${result.file}: ${messages} messages (${diffs} diffs, ${tickers} tickers, ${trades} trades, ${snapshots} snapshots)`;
  yield `received from ${result.firstTime} to ${result.lastTime}`;
  if (snapshots === 0)
    yield 'no snapshot: orders at rest before the recording are unknown until they change or are best';
  const told =
    result.toldByTicker === 0 ? '' : ` (${result.toldByTicker} with a best level told by a ticker only)`;
  yield `compared ${result.compared} states of the book${told}, ${result.uncompared} diffs not compared`;
  for (const gap of result.gaps)
    yield `gap at line ${gap.line}: expected ${gap.expectedId}, got ${gap.receivedId}`;
  for (const at of result.mismatches) {
    yield `mismatch at line ${at.line}, update ${at.updateId}: book ${JSON.stringify(at.book)}, ticker ${at.tickerId} ${JSON.stringify(at.venue)}`;
  }
  yield `${result.mismatchCount} mismatches, ${result.crossed} crossed, ${result.gaps.length} gaps; the book ended ${result.status}`;
}

if (import.meta.main) {
  process.exitCode = await verifyCommand(process.argv.slice(2), {
    out: (line) => console.log(line),
    err: (line) => console.error(line),
  });
}
