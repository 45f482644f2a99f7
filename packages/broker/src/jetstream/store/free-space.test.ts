import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DiskSpace, FreeSpace } from './free-space.ts';

const MIB = 1024 * 1024;

function bench(): {
  space: FreeSpace;
  disk: { free: number; total: number };
  said: boolean[];
  pass(ms: number): void;
} {
  const disk = { free: 1_000 * MIB, total: 10_000 * MIB };
  const said: boolean[] = [];
  let now = 0;
  const space = new FreeSpace(
    (): DiskSpace => disk,
    (low) => said.push(low),
    () => now,
  );
  return { space, disk, said, pass: (ms) => (now += ms) };
}

test('space is low below 64 MiB, and it is said when it becomes so and when it is over', () => {
  const { space, disk, said, pass } = bench();
  space.check();
  assert.equal(space.isLow, false);
  disk.free = 64 * MIB - 1;
  pass(250);
  space.check();
  assert.equal(space.isLow, true);
  disk.free = 64 * MIB;
  pass(250);
  assert.equal(space.isLow, false);
  assert.deepEqual(said, [true, false]);
});

test('a small disk is low below a twentieth of it', () => {
  const { space, disk, pass } = bench();
  disk.total = 100 * MIB;
  disk.free = 5 * MIB;
  space.check();
  assert.equal(space.isLow, false);
  disk.free--;
  pass(250);
  space.check();
  assert.equal(space.isLow, true);
});

test('it is looked at a few times a second at most', () => {
  const { space, disk, pass } = bench();
  space.check();
  disk.free = 0;
  pass(249);
  space.check();
  assert.equal(space.isLow, false);
});
