import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { RESPONSE } from './frame.ts';
import { Link, type LinkHandler } from './link.ts';
import { defaultLimits } from './wire-limits.ts';

/** A link with much in flight, whose frames leave once per turn of the event loop unless they hurry. */
function busyLink() {
  const writes: number[] = [];
  const stream = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, done) {
      writes.push(bytes.length);
      done();
    },
  });
  const handler: LinkHandler = { inFlight: 100, frame() {}, goAway() {}, drained() {}, closed() {} };
  const link = new Link(stream, defaultLimits, handler, true);
  const say = () => link.writer.frame(RESPONSE, 0, 1, Buffer.from('{}'));
  return { link, writes, say };
}

test('frames of a busy link leave together when the event loop turns', async () => {
  const { link, writes, say } = busyLink();
  say();
  say();
  await new Promise<void>((resolve) => process.nextTick(resolve));
  assert.equal(writes.length, 0);
  await new Promise<void>((resolve) => setImmediate(resolve));
  assert.equal(writes.length, 1);
  link.destroy();
});

test('what hurries leaves before the event loop turns, with all that was written, once', async () => {
  const { link, writes, say } = busyLink();
  say();
  link.hurry();
  say();
  link.hurry();
  await new Promise<void>((resolve) => process.nextTick(resolve));
  assert.equal(writes.length, 1);
  await new Promise<void>((resolve) => setImmediate(resolve));
  assert.equal(writes.length, 1);
  say();
  link.hurry();
  await new Promise<void>((resolve) => process.nextTick(resolve));
  assert.equal(writes.length, 2);
  link.destroy();
});
