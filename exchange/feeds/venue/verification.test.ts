import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import fc from 'fast-check';
import { recordingBytes, type SyntheticOptions, syntheticRecording } from './synthetic-recording.ts';
import { verifyRecording } from './verification.ts';
import { verifyCommand } from './verify.ts';

const RECORDINGS = process.env.EXCHANGE_RECORDINGS ?? join(import.meta.dirname, '../../../../shared/data');
const BTCUSDT = join(RECORDINGS, 'spot_btcusdt_20240809.gz');
const absent = !existsSync(BTCUSDT) && process.env.FLOTILLA_TEST_NO_SKIP !== '1';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verification-'));
});
after(async () => {
  await rm(folder, { recursive: true });
});

async function write(lines: readonly string[], name = 'recording'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, recordingBytes(lines));
  return file;
}

function synthetic(seed: number, options: Omit<SyntheticOptions, 'seed'> = {}) {
  return syntheticRecording({ seed, ...options });
}

test('the whole Binance recording of 2024-08-09 agrees with its book tickers', {
  skip: absent && `no recording at ${BTCUSDT}; set EXCHANGE_RECORDINGS to its folder`,
}, async () => {
  const result = await verifyRecording(BTCUSDT);
  assert.deepEqual(
    { ...result, file: '' },
    {
      file: '',
      messages: 58325,
      diffs: 3044,
      tickers: 45134,
      trades: 10147,
      // The recorder opened a new file at midnight, and its snapshot is in the file of the day before.
      snapshots: 0,
      compared: 3043,
      toldByTicker: 2,
      uncompared: 1,
      mismatchCount: 0,
      mismatches: [],
      crossed: 0,
      gaps: [],
      status: 'partial',
      firstTime: '2024-08-09T00:00:00.001Z',
      lastTime: '2024-08-09T00:05:04.535Z',
    },
  );
});

test('sound recordings have no mismatch, with or without snapshot, with tickers early or late', async () => {
  const options = fc.record({
    snapshotTaken: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
    snapshotDelay: fc.nat({ max: 6 }),
    lateTickers: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.nat(), options, async (seed, option) => {
      const recording = synthetic(seed, option);
      const result = await verifyRecording(await write(recording.lines));
      assert.deepEqual([result.mismatches, result.crossed, result.gaps], [[], 0, []]);
      assert.equal(result.messages, recording.lines.length);
      const told = recording.states.filter(({ finalId }) => finalId >= (recording.firstTickerId ?? Infinity));
      assert.equal(result.compared, told.length);
      assert.equal(result.compared + result.uncompared, result.diffs);
    }),
    { numRuns: 60 },
  );
});

test('a quantity that differs from the ticker is found, wherever it is', async () => {
  const { lines } = synthetic(7, { snapshotTaken: 0, snapshotDelay: 0 });
  let found = 0;
  for (const [index, line] of lines.entries()) {
    const ticker = /"B":"(\d+\.\d+)"/.exec(line)?.[1];
    if (ticker === undefined) continue;
    const changed = [...lines];
    changed[index] = line.replace(`"B":"${ticker}"`, `"B":"9${ticker}"`);
    const result = await verifyRecording(await write(changed));
    // A ticker that another one follows before the next diff is compared with nothing.
    if (result.mismatchCount === 0) continue;
    found++;
    assert.equal(result.mismatches[0]?.venue.bid?.[0], result.mismatches[0]?.book.bid?.[0]);
  }
  assert.ok(found >= 5);
});

test('a lost diff is a gap with its line and ids, and nothing is compared until a snapshot follows', async () => {
  const { lines } = synthetic(3, { lost: new Set([10]), snapshotTaken: 0, snapshotDelay: 0 });
  const result = await verifyRecording(await write(lines));
  assert.equal(result.gaps.length, 1);
  const [gap] = result.gaps;
  assert.ok(gap && gap.receivedId > gap.expectedId);
  assert.match(lines[gap.line - 1]!, new RegExp(`"U":${gap.receivedId},`));
  assert.deepEqual([result.status, result.mismatchCount], ['stale', 0]);
  assert.ok(result.uncompared >= 29);

  const healed = await verifyRecording(
    await write(synthetic(3, { lost: new Set([10]), snapshotTaken: 20, snapshotDelay: 2 }).lines),
  );
  assert.deepEqual([healed.status, healed.mismatchCount, healed.gaps.length], ['whole', 0, 1]);
  assert.ok(healed.compared > result.compared);
});

async function run(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await verifyCommand(args, { out: (line) => out.push(line), err: (line) => err.push(line) });
  return { code, out, err };
}

test('the command prints the figures and exits 0 when all agrees', async () => {
  const recording = synthetic(5);
  const file = await write(recording.lines, 'sound');
  const text = await run(file);
  assert.equal(text.code, 0);
  assert.match(
    text.out.join('\n'),
    new RegExp(`${recording.lines.length} messages[^]*0 mismatches, 0 crossed, 0 gaps`),
  );
  const json = await run(file, '--json');
  assert.equal(JSON.parse(json.out.join('')).mismatchCount, 0);
});

test('the command exits 1 on a mismatch and when there is nothing to compare', async () => {
  const { lines } = synthetic(5);
  const wrong = lines.map((line) => line.replace(/"A":"\d/, '"A":"7'));
  const mismatch = await run(await write(wrong, 'wrong'));
  assert.equal(mismatch.code, 1);
  assert.ok(mismatch.out.some((line) => /^mismatch at line \d+, update \d+: book/.test(line)));
  assert.equal(
    (
      await run(
        await write(
          lines.filter((line) => !line.includes('@bookTicker')),
          'mute',
        ),
      )
    ).code,
    1,
  );
});

test('the command exits 2 on a damaged recording, naming the line, and 64 on wrong usage', async () => {
  const { lines } = synthetic(5);
  const file = await write([...lines.slice(0, 6), 'nonsense', ...lines.slice(6)], 'damaged');
  const text = await run(file);
  assert.deepEqual([text.code, text.out.length, text.err.length], [2, 0, 1]);
  assert.ok(text.err[0]?.includes('line 7'));
  const json = await run(file, '--json');
  assert.deepEqual([json.code, JSON.parse(json.out.join('')).error.line], [2, 7]);
  assert.equal((await run()).code, 64);
  assert.equal((await run(file, '--price-decimals', 'two')).code, 64);
  assert.equal((await run(file, '--fast')).code, 64);
});
