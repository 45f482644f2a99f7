import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { VenueMessage } from './message.ts';
import { type RecordingOptions, readRecording } from './recording.ts';
import { RecordingError, type RecordingFault } from './recording-error.ts';
import { recordingBytes, syntheticRecording } from './synthetic-recording.ts';

const TIME = '1723161600001658384';
const TICKER = `${TIME} {"stream":"btcusdt@bookTicker","data":{"u":5,"s":"BTCUSDT","b":"61685.99000000","B":"1.25869000","a":"61686.00000000","A":"2.44816000"}}`;
const TRADE = `${TIME} {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161601438,"s":"BTCUSDT","t":37,"p":"61685.99000000","q":"0.00017000","T":1723161601437,"m":true,"M":true}}`;
const DIFF = `${TIME} {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161601273,"s":"BTCUSDT","U":4,"u":6,"b":[["61685.99000000","0.00000000"]],"a":[["61686.00000000","2.5"]]}}`;
const SNAPSHOT = `${TIME} {"lastUpdateId":5,"bids":[["2.00","1.0"],["1.00","1.0"]],"asks":[["3.00","1.0"],["4.00","1.0"]]}`;

let folder: string;
let files = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recording-'));
});
after(async () => {
  await rm(folder, { recursive: true });
});

async function write(content: string | Buffer): Promise<string> {
  const file = join(folder, `${files++}.recording`);
  await writeFile(file, content);
  return file;
}

async function read(file: string, options?: RecordingOptions): Promise<VenueMessage[]> {
  const messages: VenueMessage[] = [];
  for await (const message of readRecording(file, options)) messages.push(message);
  return messages;
}

/** Expects the fault, and that all messages before it were given out. */
async function refuses(
  content: string | Buffer,
  fault: RecordingFault,
  line: number | undefined,
  soundBefore = 0,
) {
  const file = await write(content);
  let sound = 0;
  await assert.rejects(
    async () => {
      for await (const _ of readRecording(file)) sound++;
    },
    (error: unknown) => {
      assert.ok(error instanceof RecordingError, String(error));
      assert.deepEqual([error.fault, error.line, error.file], [fault, line, file]);
      assert.equal(error.code, 'recording_damaged');
      assert.ok(error.message.startsWith(line === undefined ? `${file}: ` : `${file}, line ${line}: `));
      assert.ok(error.message.endsWith(error.repair) && error.repair.length > 20);
      return true;
    },
  );
  assert.equal(sound, soundBefore);
}

test('every kind of message is read into integers', async () => {
  const received = (line: number) => ({ line, receivedNs: 1723161600001658384n });
  assert.deepEqual(await read(await write([TICKER, TRADE, DIFF, SNAPSHOT].join('\n'))), [
    { kind: 'ticker', ...received(1), updateId: 5, bid: [6168599, 125869000], ask: [6168600, 244816000] },
    {
      kind: 'trade',
      ...received(2),
      id: 37,
      price: 6168599,
      quantity: 17000,
      side: 'sell',
      time: 1723161601437,
    },
    {
      kind: 'diff',
      ...received(3),
      firstId: 4,
      finalId: 6,
      bids: [[6168599, 0]],
      asks: [[6168600, 250000000]],
    },
    {
      kind: 'snapshot',
      ...received(4),
      lastUpdateId: 5,
      bids: [
        [200, 100000000],
        [100, 100000000],
      ],
      asks: [
        [300, 100000000],
        [400, 100000000],
      ],
    },
  ]);
});

test('gzip and plain files give the same messages, whatever the name and the line ends', async () => {
  const { lines } = syntheticRecording({ seed: 1, diffs: 10 });
  const plain = await read(await write(recordingBytes(lines, false)));
  assert.equal(plain.length, lines.length);
  assert.deepEqual(await read(await write(recordingBytes(lines, true))), plain);
  assert.deepEqual(await read(await write(lines.join('\r\n'))), plain);
});

test('a recording far larger than a chunk is read whole and in order', async () => {
  const count = 20_000;
  const lines = Array.from({ length: count }, (_, index) => TRADE.replace('"t":37', `"t":${index}`));
  const ids = (await read(await write(recordingBytes(lines)))).map((message) =>
    message.kind === 'trade' ? message.id : -1,
  );
  assert.deepEqual(
    ids,
    Array.from({ length: count }, (_, index) => index),
  );
});

test('reading ends without an error when it is aborted', async () => {
  const file = await write(recordingBytes(Array.from({ length: 5_000 }, () => TICKER)));
  const abort = new AbortController();
  let count = 0;
  for await (const _ of readRecording(file, { signal: abort.signal })) if (++count === 3) abort.abort();
  assert.ok(count < 5_000);
  assert.deepEqual(await read(file, { signal: AbortSignal.abort() }), []);
});

test('a missing file and an empty one are named', async () => {
  const missing = join(folder, 'nowhere');
  await assert.rejects(read(missing), (error: unknown) => {
    return (
      error instanceof RecordingError && error.fault === 'unreadable' && error.message.includes('ENOENT')
    );
  });
  await assert.rejects(read(folder), { fault: 'unreadable' });
  await refuses('', 'empty', undefined);
});

test('damage in a line is told with its number, after all sound messages before it', async () => {
  const damaged: [RecordingFault, string][] = [
    ['bad_json', `${TIME} {"stream":"btcusdt@bookTicker","data":{"u":5`],
    ['no_time', TICKER.slice(TIME.length + 1)],
    ['no_time', ''],
    ['no_time', `yesterday ${TICKER.slice(TIME.length + 1)}`],
    ['bad_time', TICKER.replace(TIME, '1723161600001')],
    ['bad_time', TICKER.replace(TIME, '1723161600001658383')],
    ['unknown_message', `${TIME} [1,2]`],
    ['unknown_message', `${TIME} null`],
    ['unknown_message', `${TIME} {"code":-1003,"msg":"Too many requests"}`],
    ['unknown_message', TICKER.replace('@bookTicker', '@kline_1m')],
    ['unknown_message', DIFF.replace('@depth@100ms', '@depth20@100ms')],
    ['unknown_message', `${TIME} {"stream":"btcusdt@bookTicker","data":"none"}`],
    ['bad_field', TICKER.replace('"u":5,', '')],
    ['bad_field', TICKER.replace('"u":5', '"u":"5"')],
    ['bad_field', TICKER.replace('"u":5', '"u":-5')],
    ['bad_field', TICKER.replace('"u":5', '"u":1e300')],
    ['bad_field', TICKER.replace('"s":"BTCUSDT",', '')],
    ['bad_field', TRADE.replace('"m":true', '"m":"yes"')],
    ['bad_field', DIFF.replace('"b":[["61685.99000000","0.00000000"]]', '"b":{}')],
    ['bad_field', DIFF.replace('"b":[["61685.99000000","0.00000000"]]', '"b":[["61685.99000000"]]')],
    ['bad_decimal', TICKER.replace('61685.99000000', '61685.99100000')],
    ['bad_decimal', TICKER.replace('61685.99000000', '-61685.99')],
    ['bad_decimal', TICKER.replace('61685.99000000', 'many')],
    ['absurd_value', TICKER.replace('61685.99000000', '61686.00000000')],
    ['absurd_value', TICKER.replace('1.25869000', '0.00000000')],
    ['absurd_value', TRADE.replace('61685.99000000', '0.00')],
    ['absurd_value', DIFF.replace('"U":4', '"U":7')],
    ['absurd_value', TICKER.replace('"s":"BTCUSDT"', '"s":"ETHUSDT"')],
    ['absurd_value', SNAPSHOT.replace('"3.00"', '"2.00"')],
    ['absurd_value', SNAPSHOT.replace('["1.00"', '["2.50"')],
    ['absurd_value', SNAPSHOT.replace('["4.00","1.0"]', '["4.00","0.0"]')],
  ];
  for (const [fault, line] of damaged) {
    await refuses(recordingBytes([TRADE, TICKER, line, TICKER]), fault, 3, 2);
  }
});

test('a truncated or corrupt gzip file is told from a damaged line', async () => {
  const bytes = recordingBytes(syntheticRecording({ seed: 1, diffs: 400 }).lines);
  const truncated = await write(bytes.subarray(0, bytes.length - 400));
  await assert.rejects(read(truncated), (error: unknown) => {
    return error instanceof RecordingError && error.fault === 'bad_gzip' && (error.line ?? 0) > 1;
  });
  const corrupt = Buffer.from(bytes);
  const middle = corrupt.length >>> 1;
  corrupt.fill(0xff, middle, middle + 50);
  await assert.rejects(read(await write(corrupt)), { fault: 'bad_gzip' });
  await refuses(Buffer.concat([bytes.subarray(0, 2), Buffer.from('not deflate at all')]), 'bad_gzip', 1);
});

test('a line without an end is refused before it fills the memory', async () => {
  await refuses(`${TICKER}\n${TIME} ${'x'.repeat(5 * 1024 * 1024)}`, 'line_too_long', 2, 1);
});
