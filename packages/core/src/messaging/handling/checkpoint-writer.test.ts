import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { platformError } from '../../errors/flotilla-error.ts';
import { silentLogger } from '../../telemetry/log.ts';
import { waitFor } from '../../testing/wait-for.ts';
import { CheckpointWriter } from './checkpoint-writer.ts';

function writer(save: (sequence: number) => Promise<void>) {
  const lost: unknown[] = [];
  const made = new CheckpointWriter({
    store: { save },
    pauseMs: 5,
    log: silentLogger,
    onLost: (error) => lost.push(error),
  });
  return { made, lost };
}

describe('a checkpoint that moves', () => {
  it('is saved now and then, and always the latest', async () => {
    const saved: number[] = [];
    const { made } = writer(async (sequence) => void saved.push(sequence));
    for (let sequence = 1; sequence <= 50; sequence++) made.moved(sequence);
    await waitFor(() => made.saved === 50);
    assert.deepEqual(saved, [50]);
  });

  it('is not saved twice at once: what comes meanwhile waits', async () => {
    let running = 0;
    const saved: number[] = [];
    const release = Promise.withResolvers<void>();
    const { made } = writer(async (sequence) => {
      running += 1;
      assert.equal(running, 1);
      if (saved.length === 0) await release.promise;
      saved.push(sequence);
      running -= 1;
    });
    made.moved(1);
    await waitFor(() => running === 1);
    made.moved(2);
    made.moved(3);
    release.resolve();
    await waitFor(() => made.saved === 3);
    assert.deepEqual(saved, [1, 3]);
  });

  it('is tried again when it cannot be saved for now', async () => {
    let failures = 2;
    const { made, lost } = writer(async () => {
      if (failures-- > 0) throw platformError('unavailable', 'the broker is away');
    });
    made.moved(7);
    await waitFor(() => made.saved === 7);
    assert.deepEqual(lost, []);
  });

  it('is given up when another owns the partition', async () => {
    let calls = 0;
    const { made, lost } = writer(async () => {
      calls += 1;
      throw platformError('conflict', 'taken over');
    });
    made.moved(7);
    await waitFor(() => lost.length === 1);
    made.moved(8);
    await made.finish();
    assert.equal(calls, 1);
  });

  it('is saved at the end, and not afterwards', async () => {
    const saved: number[] = [];
    const { made } = writer(async (sequence) => void saved.push(sequence));
    made.moved(4);
    await made.finish();
    assert.deepEqual(saved, [4]);
    made.moved(5);
    await made.finish();
    assert.deepEqual(saved, [4]);
  });
});
