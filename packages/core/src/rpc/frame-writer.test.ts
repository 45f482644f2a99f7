import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FrameWriter, MANY_FRAMES } from './frame-writer.ts';

/** A socket whose kernel takes what `room` allows and holds the rest until told otherwise. */
class SlowSink {
  writableLength = 0;
  writes = 0;
  readonly parts: Buffer[] = [];
  readonly #highWaterMark = 16 * 1024;
  readonly #held: Uint8Array[] = [];
  holding = false;

  write(bytes: Uint8Array): boolean {
    this.writes++;
    if (!this.holding) {
      this.parts.push(Buffer.from(bytes));
      return true;
    }
    // Held by reference, as a socket does: bytes the writer overwrites too early come out wrong.
    this.#held.push(bytes);
    this.writableLength += bytes.length;
    return this.writableLength < this.#highWaterMark;
  }

  cork(): void {}
  uncork(): void {}

  release(): void {
    for (const bytes of this.#held.splice(0)) this.parts.push(Buffer.from(bytes));
    this.writableLength = 0;
  }

  get received(): Buffer {
    return Buffer.concat(this.parts);
  }
}

function expectedFrame(callId: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt32BE(6 + body.length, 0);
  head[4] = 4;
  head.writeUInt32BE(callId, 6);
  return Buffer.concat([head, body]);
}

describe('frame writer', () => {
  it('sends all frames of a tick in one write, after one request to be flushed', () => {
    const sink = new SlowSink();
    let deferred = 0;
    const writer = new FrameWriter(sink, () => deferred++);
    for (let callId = 1; callId <= 50; callId++) writer.frame(4, 0, callId, Buffer.from('{}'));
    assert.equal(sink.writes, 0);
    writer.flush();
    assert.deepEqual([sink.writes, deferred], [1, 1]);
  });

  it('lets many frames leave before the tick ends, where it may, still with one request to be flushed', () => {
    const sink = new SlowSink();
    let deferred = 0;
    const writer: FrameWriter = new FrameWriter(
      sink,
      () => deferred++,
      () => writer.flush(),
    );
    const bodies = Array.from({ length: MANY_FRAMES * 2 + 1 }, (_, n) => Buffer.from(`${n}`));
    for (const [callId, body] of bodies.entries()) writer.frame(4, 0, callId, body);
    assert.deepEqual([sink.writes, deferred], [2, 1]);
    writer.flush();
    assert.deepEqual([sink.writes, deferred], [3, 1]);
    assert.deepEqual(sink.received, Buffer.concat(bodies.map((body, callId) => expectedFrame(callId, body))));
    writer.frame(4, 0, 99, Buffer.from('{}'));
    assert.equal(deferred, 2);
  });

  it('keeps every byte in order, whatever the sizes and however slowly the socket takes them', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 3000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 10_000, max: 400_000 }) },
      { weight: 3, arbitrary: fc.constantFrom('flush' as const, 'hold' as const, 'release' as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const sink = new SlowSink();
        const writer: FrameWriter = new FrameWriter(
          sink,
          () => {},
          () => writer.flush(),
        );
        const expected: Buffer[] = [];
        for (const [index, action] of steps.entries()) {
          if (action === 'flush') writer.flush();
          else if (action === 'hold') sink.holding = true;
          else if (action === 'release') {
            sink.holding = false;
            sink.release();
            writer.drained();
          } else {
            const body = Buffer.alloc(action, index + 1);
            expected.push(expectedFrame(index, body));
            writer.frame(4, 0, index, body);
          }
        }
        sink.holding = false;
        sink.release();
        writer.drained();
        assert.equal(writer.pending, 0);
        assert.equal(writer.handedOver, writer.appended);
        assert.ok(sink.received.equals(Buffer.concat(expected)));
      }),
      { numRuns: 60 },
    );
  });

  it('hands a large backlog over piece by piece and counts what waits', () => {
    const sink = new SlowSink();
    sink.holding = true;
    const writer = new FrameWriter(sink, () => {});
    writer.frame(4, 0, 1, Buffer.alloc(2_000_000));
    writer.flush();
    assert.ok(sink.writableLength <= 256 * 1024);
    assert.equal(writer.pending, 2_000_010);
    assert.equal(writer.handedOver, sink.writableLength);
  });
});
