import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { openDatabase, platformError, silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import type { LogEntry } from './contract.ts';
import { followLog, LogCheckpoint, type LogFollower } from './follow.ts';

/** What a test starts ends with it, also where it fails. */
function stopAfterwards(): AbortController {
  const stop = new AbortController();
  after(() => stop.abort());
  return stop;
}

const entry = (sequence: number): LogEntry => ({ sequence, time: 1, events: [] });

/** A log of `head` entries whose stream breaks after the given entries, each once. */
function source(head: () => number, breaks = new Set<number>()) {
  let connections = 0;
  return {
    get connections() {
      return connections;
    },
    head: async () => ({ sequence: head() }),
    async *log({ after }: { after: number }, { signal }: { signal?: AbortSignal } = {}) {
      connections += 1;
      for (let sequence = after + 1; ; sequence++) {
        while (sequence > head()) {
          if (signal?.aborted) throw signal.reason;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        yield entry(sequence);
        if (breaks.delete(sequence)) throw platformError('unavailable', 'connection lost');
      }
    },
  };
}

/** A stream that fails at once. */
function broken(error: unknown): AsyncIterableIterator<LogEntry> {
  return {
    next: () => Promise.reject(error),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const migrations = [
  {
    id: '001-follower',
    sql: `CREATE TABLE log_checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL) STRICT;
          INSERT INTO log_checkpoint VALUES (1, 0);
          CREATE TABLE seen (sequence INTEGER NOT NULL) STRICT;`,
  },
];

async function until(follower: LogFollower, sequence: number): Promise<void> {
  await follower.waitFor(sequence, AbortSignal.timeout(10_000));
}

describe('following the log', () => {
  test('every entry is applied once and in order, over a stream that keeps breaking', async () => {
    const client = source(() => 2_000, new Set([1, 2, 3, 500, 700, 1_999]));
    const database = openDatabase({ path: ':memory:', migrations });
    const checkpoint = new LogCheckpoint(database);
    const insert = database.prepare('INSERT INTO seen VALUES (?)');
    const stop = stopAfterwards();
    const follower = followLog({
      client,
      after: checkpoint.sequence,
      apply: ({ sequence }) =>
        database.write(() => {
          checkpoint.advance(sequence);
          insert.run(sequence);
        }),
      log: silentLogger,
      signal: stop.signal,
    });
    await until(follower, 2_000);
    const seen = database
      .prepare('SELECT sequence FROM seen ORDER BY rowid')
      .all()
      .map((row) => row.sequence);
    assert.deepEqual(
      seen,
      Array.from({ length: 2_000 }, (_, index) => index + 1),
    );
    assert.equal(checkpoint.sequence, 2_000);
    assert.equal(client.connections, 7);
    stop.abort();
    await follower.closed;
    database.close();
  });

  test('an entry that cannot be applied stops those behind it, and is tried again', async () => {
    const client = source(() => 300);
    const database = openDatabase({ path: ':memory:', migrations });
    const checkpoint = new LogCheckpoint(database);
    const insert = database.prepare('INSERT INTO seen VALUES (?)');
    const stop = stopAfterwards();
    let refusals = 2;
    const follower = followLog({
      client,
      after: 0,
      apply: ({ sequence }) =>
        database.write(() => {
          checkpoint.advance(sequence);
          insert.run(sequence);
          if (sequence === 100 && refusals-- > 0) throw new RangeError('not now');
        }),
      log: silentLogger,
      signal: stop.signal,
    });
    await until(follower, 300);
    const { count, most } = database
      .prepare('SELECT count(*) AS count, max(sequence) AS most FROM seen')
      .get()!;
    assert.deepEqual([count, most], [300, 300]);
    stop.abort();
    await follower.closed;
    database.close();
  });

  test('a gap is never applied', async () => {
    const errors: string[] = [];
    const log = { ...silentLogger, error: (message: string) => errors.push(message) };
    const stop = stopAfterwards();
    const applied: number[] = [];
    const follower = followLog({
      client: {
        head: async () => ({ sequence: 9 }),
        async *log({ after }: { after: number }) {
          for (const sequence of [1, 2, 4, 5]) if (sequence > after) yield entry(sequence);
        },
      },
      after: 0,
      apply: ({ sequence }) => void applied.push(sequence),
      log,
      signal: stop.signal,
    });
    await waitFor(() => errors.length > 0);
    assert.deepEqual(applied, [1, 2]);
    assert.equal(follower.applied, 2);
    assert.match(errors[0]!, /expected entry 3, got 4/);
    stop.abort();
    await follower.closed;
  });

  test('at most 256 entries are on their way to disk', async () => {
    let inFlight = 0;
    let most = 0;
    const stop = stopAfterwards();
    const follower = followLog({
      client: source(() => 1_000),
      after: 0,
      apply: async () => {
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight -= 1;
      },
      log: silentLogger,
      signal: stop.signal,
    });
    await until(follower, 1_000);
    assert.ok(most <= 256, `${most} at once`);
    stop.abort();
    await follower.closed;
  });
});

describe('reading after writing', () => {
  test('a read waits until what was acknowledged before it is applied', async () => {
    let head = 0;
    const stop = stopAfterwards();
    const follower = followLog({
      client: source(() => head),
      after: 0,
      apply: () => new Promise((resolve) => setTimeout(resolve, 5)),
      log: silentLogger,
      signal: stop.signal,
    });
    head = 20;
    assert.equal(await follower.caughtUp(), true);
    assert.equal(follower.applied, 20);
    stop.abort();
    await follower.closed;
  });

  test('a read does not wait for the next attempt of a follower that matching left', async () => {
    const away = platformError('unavailable', 'matching is unavailable');
    const log = source(() => 3);
    let attempts = 0;
    let back = false;
    const stop = stopAfterwards();
    const follower = followLog({
      client: {
        head: () => (back ? log.head() : Promise.reject(away)),
        log: (...args) => {
          attempts += 1;
          return back ? log.log(...args) : broken(away);
        },
      },
      after: 0,
      apply: () => {},
      log: silentLogger,
      signal: stop.signal,
    });
    // By then the pauses have grown.
    await waitFor(() => attempts === 4);
    back = true;
    assert.equal(await follower.caughtUp(), true);
    assert.equal(follower.applied, 3);
    assert.equal(attempts, 5);
    stop.abort();
    await follower.closed;
  });

  test('a read does not fail while matching is away', async () => {
    const away = platformError('unavailable', 'matching is unavailable');
    const stop = stopAfterwards();
    const follower = followLog({
      client: {
        head: () => Promise.reject(away),
        log: () => broken(away),
      },
      after: 7,
      apply: () => {},
      log: silentLogger,
      signal: stop.signal,
    });
    assert.equal(await follower.caughtUp(), false);
    assert.equal(follower.applied, 7);
    stop.abort();
    await follower.closed;
  });

  test('waiting for a sequence ends with the signal of who waits', async () => {
    const stop = stopAfterwards();
    const follower = followLog({
      client: source(() => 0),
      after: 0,
      apply: () => {},
      log: silentLogger,
      signal: stop.signal,
    });
    const reason = new RangeError('gave up');
    const leave = new AbortController();
    const waiting = follower.waitFor(1, leave.signal);
    leave.abort(reason);
    await assert.rejects(waiting, reason);
    stop.abort();
    await follower.closed;
  });
});
