import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BROKER_ERROR_CODES } from './broker-error.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { ProtocolError } from './protocol/protocol-error.ts';

const page = await readFile(new URL('../../../docs/broker.md', import.meta.url), 'utf8');

/** First cells of the rows of the table under a heading, or behind a line of text. */
function rowsAfter(start: string): (readonly [string, string])[] {
  const rest = page.slice(page.indexOf(start) + start.length);
  const table = /\n\|.*\n\| ---.*\n((?:\|.*\n)+)/.exec(rest)?.[1] ?? '';
  return table
    .trim()
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .map((cells) => [cells[1] ?? '', cells[2] ?? ''] as const);
}

test('the example in the documentation runs', async () => {
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(code);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module-typescript', '--no-warnings', '--eval', code],
    { cwd: new URL('..', import.meta.url), timeout: 20_000 },
  );
  assert.equal(stdout, 'hello Ada\n');
});

test('the documented limits are those of the code, with their defaults', () => {
  assert.deepEqual(
    Object.fromEntries(rowsAfter('## Limits').map(([name, value]) => [name, Number(value)])),
    DEFAULT_LIMITS,
  );
});

test('every error code is documented, and no other', () => {
  const documented = rowsAfter('Errors are `BrokerError`s').map(([code]) => code);
  assert.deepEqual(documented.sort(), [...BROKER_ERROR_CODES].sort());
});

test('every protocol error is documented by its text', () => {
  for (const text of Object.values(ProtocolError)) assert.ok(page.includes(text), text);
});
