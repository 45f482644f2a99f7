import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDatabase, readMigrations, silentLogger } from 'flotilla';
import { stateHash } from './engine/index.ts';
import { verifyJournal } from './journal-verification.ts';
import { Sequencer } from './sequencer.ts';

const directory = mkdtempSync(join(tmpdir(), 'matching-kill-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const script = fileURLToPath(new URL('./testing/submit-for-ever.ts', import.meta.url));

/** Lets a process submit orders until `count` are acknowledged, and kills it in the middle of its work. */
async function killedAfter(count: number, path: string, round: number): Promise<[string, number, number][]> {
  const child = spawn(process.execPath, [script, path, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: [string, number, number][] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    // The last line may be cut off.
    if (!line.endsWith(']')) break;
    acknowledged.push(JSON.parse(line));
    if (acknowledged.length === count) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
  return acknowledged;
}

test('no acknowledged order is lost when the process is killed, again and again', async () => {
  const path = join(directory, 'matching.sqlite');
  let head = 0;
  for (const [round, count] of [150, 1, 400, 37].entries()) {
    const acknowledged = await killedAfter(count, path, round);
    assert.ok(acknowledged.length >= count);
    const database = openDatabase({
      path,
      migrations: readMigrations(new URL('./migrations/', import.meta.url)),
    });
    const complaints: string[] = [];
    const sequencer = new Sequencer({
      database,
      log: { ...silentLogger, error: (message) => complaints.push(message) },
      now: Date.now,
      onFatal: (error) => assert.fail(String(error)),
    });
    assert.deepEqual(complaints, []);
    const sequenceOf = database.prepare(
      "SELECT sequence FROM journal WHERE json_extract(command, '$.order.id') = ?",
    );
    for (const [id, sequence, filled] of acknowledged) {
      const order = sequencer.records.get(id);
      assert.ok(order, `${id} was acknowledged and is gone`);
      assert.ok(order.filled >= filled);
      assert.equal(order.quantity, order.filled + order.cancelled + order.remaining);
      assert.ok(sequence <= sequencer.head);
    }
    const [last] = acknowledged.at(-1)!;
    assert.equal(sequenceOf.all(last).length, 1);
    assert.ok(sequencer.head > head);
    head = sequencer.head;
    const report = verifyJournal(database);
    assert.deepEqual(report.faults, []);
    assert.deepEqual([report.entries, report.stateHash], [head, stateHash(sequencer.state)]);
    database.close();
  }
});
