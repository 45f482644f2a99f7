import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FrameParser, type FrameReceiver } from './frame-parser.ts';
import { FrameWriter } from './frame-writer.ts';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly callId: number;
  readonly body: string;
}

class Collector implements FrameReceiver {
  readonly frames: Frame[] = [];
  readonly #limit: number;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  frame(type: number, flags: number, callId: number, bytes: Buffer, start: number, end: number): boolean {
    this.frames.push({ type, flags, callId, body: bytes.toString('hex', start, end) });
    return this.frames.length < this.#limit;
  }
}

function encode(frames: readonly Frame[]): Buffer {
  const parts: Buffer[] = [];
  const sink = {
    writableLength: 0,
    write: (bytes: Uint8Array) => parts.push(Buffer.from(bytes)) > 0,
    cork() {},
    uncork() {},
  };
  const writer = new FrameWriter(sink, () => {});
  for (const { type, flags, callId, body } of frames) {
    writer.frame(type, flags, callId, Buffer.from(body, 'hex'));
  }
  writer.flush();
  return Buffer.concat(parts);
}

/** Cuts bytes at the given fractions. */
function cut(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const places = fractions.map((fraction) => Math.floor(fraction * bytes.length)).sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

const anyFrame: fc.Arbitrary<Frame> = fc
  .tuple(
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.uint8Array({ maxLength: 300 }),
  )
  .map(([type, flags, callId, body]) => ({ type, flags, callId, body: Buffer.from(body).toString('hex') }));
const anyCuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

describe('frame parser', () => {
  it('reads back what the writer wrote, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), anyCuts, (frames, cuts) => {
        const parser = new FrameParser(1024);
        const collector = new Collector();
        for (const chunk of cut(encode(frames), cuts)) {
          assert.equal(parser.push(chunk, collector), undefined);
        }
        assert.deepEqual(collector.frames, frames);
      }),
    );
  });

  it('reads back frames byte by byte', () => {
    const frames = [
      { type: 3, flags: 1, callId: 7, body: '' },
      { type: 4, flags: 0, callId: 0xffff_ffff, body: 'ff00' },
    ];
    const parser = new FrameParser(64);
    const collector = new Collector();
    for (const byte of encode(frames)) parser.push(Buffer.from([byte]), collector);
    assert.deepEqual(collector.frames, frames);
  });

  it('never throws on arbitrary bytes, and finds the same problem however they are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), anyCuts, (bytes, cuts) => {
        const whole = new FrameParser(64);
        const inOne = new Collector();
        const expected = whole.push(Buffer.from(bytes), inOne);
        const parser = new FrameParser(64);
        const collector = new Collector();
        let problem: ReturnType<FrameParser['push']>;
        for (const chunk of cut(Buffer.from(bytes), cuts)) problem ??= parser.push(chunk, collector);
        assert.deepEqual(problem, expected);
        assert.deepEqual(collector.frames, inOne.frames);
      }),
    );
  });

  it('does not copy a frame that lies within one chunk', () => {
    const chunk = encode([{ type: 4, flags: 0, callId: 1, body: 'abcd' }]);
    let seen: Buffer | undefined;
    new FrameParser(64).push(chunk, {
      frame(_type, _flags, _callId, bytes) {
        seen = bytes;
        return true;
      },
    });
    assert.equal(seen, chunk);
  });

  it('refuses a frame above the limit before its body arrives', () => {
    const problem = new FrameParser(100).push(Buffer.from([0, 0, 0, 101]), new Collector());
    assert.equal(problem?.code, 'payload_too_large');
  });

  it('refuses a frame too short for its head', () => {
    const problem = new FrameParser(100).push(Buffer.from([0, 0, 0, 5]), new Collector());
    assert.equal(problem?.code, 'invalid_argument');
  });

  it('drops what follows once its receiver has had enough', () => {
    const frame = { type: 4, flags: 0, callId: 1, body: '00' };
    const collector = new Collector(2);
    new FrameParser(64).push(encode([frame, frame, frame]), collector);
    assert.equal(collector.frames.length, 2);
  });
});
