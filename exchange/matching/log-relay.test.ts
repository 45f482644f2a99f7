import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type Logger, platformError, silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import type { LogEntry } from './contract.ts';
import { LogRelay, type LogStream, type StreamEnd } from './log-relay.ts';

const entryOf = (sequence: number, time = sequence): LogEntry => ({ sequence, time, events: [] });

/** A journal in memory, of which everything is on disk. */
class TestJournal {
  readonly entries: LogEntry[] = [];

  constructor(count: number) {
    this.grow(count);
  }

  grow(count: number): LogEntry[] {
    const added = Array.from({ length: count }, (_, index) => entryOf(this.entries.length + index + 1));
    this.entries.push(...added);
    return added;
  }

  readonly page = (after: number): LogEntry[] => this.entries.slice(after, after + 100);
}

/** A stream in memory, that appends only where it is told to, as that of the broker. */
class TestStream implements LogStream {
  readonly messages: LogEntry[] = [];
  /** Messages that there were once. */
  removed = 0;
  isAway = false;
  /** What happens to the next appends; undefined: they work. */
  readonly faults: ('lost' | 'unacknowledged' | undefined)[] = [];
  ends = 0;
  pending = 0;
  mostPending = 0;

  async end(): Promise<StreamEnd> {
    this.ends += 1;
    if (this.isAway) throw away();
    return { after: this.#last, entry: this.messages.at(-1) };
  }

  async append(entry: LogEntry, after: number): Promise<number> {
    this.pending += 1;
    this.mostPending = Math.max(this.mostPending, this.pending);
    const answer = this.#append(entry, after);
    await new Promise((resolve) => setImmediate(resolve));
    this.pending -= 1;
    if (typeof answer === 'number') return answer;
    throw answer;
  }

  get sequences(): number[] {
    return this.messages.map(({ sequence }) => sequence);
  }

  get #last(): number {
    return this.removed + this.messages.length;
  }

  #append(entry: LogEntry, after: number): number | Error {
    const fault = this.faults.shift();
    if (this.isAway || fault === 'lost') return away();
    if (after !== this.#last) return platformError('conflict', `the stream ends at ${this.#last}`);
    this.messages.push(JSON.parse(JSON.stringify(entry)));
    return fault === 'unacknowledged' ? away() : this.#last;
  }
}

function away(): Error {
  return platformError('unavailable', 'the broker is away');
}

/** A relay of a journal to a stream. Ends with the test. */
function relayOf(t: TestContext, journal: TestJournal, stream: TestStream, log: Logger = silentLogger) {
  const foreign: unknown[] = [];
  const relay = new LogRelay({
    page: journal.page,
    head: journal.entries.length,
    stream,
    log,
    onForeign: (error) => foreign.push(error),
  });
  t.after(() => relay.close());
  const complete = () =>
    waitFor(() => relay.published === journal.entries.length, { what: 'everything to be published' });
  return { relay, foreign, complete };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test('what is in the journal already is published, and then what comes to it', async (t) => {
  const [journal, stream] = [new TestJournal(250), new TestStream()];
  const { relay, complete } = relayOf(t, journal, stream);
  await complete();
  for (let round = 0; round < 50; round++) {
    relay.offer(journal.grow(round % 7));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await complete();
  assert.deepEqual(stream.sequences, upTo(journal.entries.length));
  assert.equal(stream.ends, 1);
});

test('it goes on behind the entry with which the stream ends', async (t) => {
  const [journal, stream] = [new TestJournal(20), new TestStream()];
  stream.messages.push(...journal.entries.slice(0, 13));
  const { complete } = relayOf(t, journal, stream);
  await complete();
  assert.deepEqual(stream.sequences, upTo(20));
});

test('a stream that was made anew meanwhile, or emptied before the start, gets everything again', async (t) => {
  const [journal, stream] = [new TestJournal(20), new TestStream()];
  const { relay, complete } = relayOf(t, journal, stream);
  await complete();
  stream.messages.length = 0;
  relay.offer(journal.grow(1));
  await waitFor(() => stream.messages.length === 21);
  assert.deepEqual(stream.sequences, upTo(21));
  await relay.close();
  stream.messages.length = 0;
  stream.removed = 21;
  await relayOf(t, journal, stream).complete();
  assert.deepEqual(stream.sequences, upTo(21));
});

test('while the broker is away nothing is lost, and it is said once', async (t) => {
  const [journal, stream] = [new TestJournal(3), new TestStream()];
  const said: string[] = [];
  const log = {
    ...silentLogger,
    warn: (message: string) => said.push(message),
    info: (message: string) => said.push(message),
  };
  stream.isAway = true;
  const { relay, complete } = relayOf(t, journal, stream, log);
  await waitFor(() => stream.ends > 3);
  relay.offer(journal.grow(5_000));
  stream.isAway = false;
  await complete();
  assert.deepEqual(stream.sequences, upTo(5_003));
  assert.deepEqual(said, ['the log cannot be published: its followers wait', 'publishing the log']);
});

test('only so many entries are under way', async (t) => {
  const [journal, stream] = [new TestJournal(4_000), new TestStream()];
  const { complete } = relayOf(t, journal, stream);
  await complete();
  assert.ok(stream.mostPending > 100 && stream.mostPending <= 512, `${stream.mostPending} at once`);
});

test('whatever is lost on the way, the stream has every entry once and in order', async () => {
  const fault = fc.constantFrom('lost' as const, 'unacknowledged' as const, undefined);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 30 }),
      fc.array(fault, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 10 }),
      async (count, faults, growth) => {
        const [journal, stream] = [new TestJournal(count), new TestStream()];
        stream.faults.push(...faults);
        const { page } = journal;
        const onForeign = (error: unknown) => assert.fail(String(error));
        const relay = new LogRelay({ page, head: count, stream, log: silentLogger, onForeign });
        for (const more of growth) {
          relay.offer(journal.grow(more));
          await new Promise((resolve) => setImmediate(resolve));
        }
        await waitFor(() => relay.published === journal.entries.length);
        await relay.close();
        assert.deepEqual(stream.sequences, upTo(journal.entries.length));
      },
    ),
    { numRuns: 25 },
  );
});

test('a stream of another log is not continued', async (t) => {
  const journal = new TestJournal(5);
  const longer = new TestStream();
  longer.messages.push(...upTo(6).map((sequence) => entryOf(sequence)));
  const other = new TestStream();
  other.messages.push(...upTo(4).map((sequence) => entryOf(sequence, 77)));
  for (const stream of [longer, other]) {
    const count = stream.messages.length;
    const { relay, foreign } = relayOf(t, journal, stream);
    await waitFor(() => foreign.length === 1);
    assert.match(String(foreign[0]), new RegExp(`entry ${count}[ ,].*was exchanged`));
    relay.offer([entryOf(6)]);
    await relay.close();
    assert.equal(stream.messages.length, count);
  }
});

test('closing publishes what is on disk, and does not wait for a broker that is away', async (t) => {
  const [journal, stream] = [new TestJournal(700), new TestStream()];
  await relayOf(t, journal, stream).relay.close();
  assert.deepEqual(stream.sequences, upTo(700));
  stream.isAway = true;
  const { relay } = relayOf(t, journal, stream);
  relay.offer(journal.grow(1));
  await relay.close();
  assert.equal(stream.messages.length, 700);
});
