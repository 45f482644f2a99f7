import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Message } from '../routing/message.ts';
import { BufferPool, SMALL_BUFFER } from './buffer-pool.ts';
import { type ByteSink, Outbound } from './outbound.ts';

/** A socket that takes writes at once, or keeps them until told to take them. */
class FakeSocket implements ByteSink {
  readonly #accepting: boolean;
  #corked = 0;
  writes = 0;
  systemCalls = 0;
  writableLength = 0;
  readonly taken: Buffer[] = [];
  readonly #waiting: (readonly [Buffer, () => void])[] = [];

  constructor(accepting: boolean) {
    this.#accepting = accepting;
  }

  cork(): void {
    this.#corked++;
  }

  uncork(): void {
    if (--this.#corked === 0) this.#call();
  }

  write(bytes: Buffer, done: () => void): void {
    this.writes++;
    this.writableLength += bytes.length;
    this.#waiting.push([bytes, done]);
    if (this.#corked === 0) this.#call();
  }

  take(): void {
    for (const [bytes, done] of this.#waiting.splice(0)) {
      this.taken.push(Buffer.from(bytes));
      this.writableLength -= bytes.length;
      done();
    }
  }

  get text(): string {
    return Buffer.concat(this.taken).toString('latin1');
  }

  #call(): void {
    this.systemCalls++;
    if (this.#accepting) this.take();
  }
}

function setUp(accepting = true): { socket: FakeSocket; outbound: Outbound; pool: BufferPool } {
  const socket = new FakeSocket(accepting);
  const pool = new BufferPool();
  return { socket, pool, outbound: new Outbound(socket, pool, () => {}) };
}

function message(subject: string, reply: string, headers: string, body: string): Message {
  const head = headers === '' ? undefined : Buffer.from(headers, 'latin1');
  return Message.of(subject, reply, head, Buffer.from(body, 'latin1'));
}

test('everything of a tick leaves in one write', () => {
  const { socket, outbound } = setUp();
  outbound.text('+OK\r\n');
  outbound.message(message('a', '', '', 'hi'), '1', true);
  outbound.message(message('a', 're', '', ''), '1', true);
  outbound.message(message('a', 're', 'NATS/1.0\r\n\r\n', 'hi'), '22', true);
  assert.equal(socket.writes, 0);
  outbound.flush();
  assert.equal(socket.writes, 1);
  assert.equal(
    socket.text,
    '+OK\r\nMSG a 1 2\r\nhi\r\nMSG a 1 re 0\r\n\r\nHMSG a 22 re 12 14\r\nNATS/1.0\r\n\r\nhi\r\n',
  );
  outbound.flush();
  assert.equal(socket.writes, 1);
});

test('a client without header support gets the message without them', () => {
  const { socket, outbound } = setUp();
  outbound.message(message('a', '', 'NATS/1.0\r\n\r\n', 'hi'), '1', false);
  outbound.flush();
  assert.equal(socket.text, 'MSG a 1 2\r\nhi\r\n');
});

test('a large payload is sent from where it is, in the same system call', () => {
  const { socket, outbound } = setUp();
  const large = 'x'.repeat(100_000);
  outbound.message(message('a', '', '', 'before'), '1', true);
  outbound.message(message('a', '', '', large), '1', true);
  outbound.message(message('a', '', '', 'after'), '1', true);
  outbound.flush();
  assert.equal(socket.systemCalls, 1);
  assert.equal(socket.text, `MSG a 1 6\r\nbefore\r\nMSG a 1 100000\r\n${large}\r\nMSG a 1 5\r\nafter\r\n`);
});

test('memory that the socket still holds is not written to again', () => {
  const { socket, outbound, pool } = setUp(false);
  outbound.text('first\r\n');
  outbound.flush();
  outbound.text('second\r\n');
  outbound.flush();
  pool.take(SMALL_BUFFER).fill('!');
  assert.equal(outbound.pending, 15);
  socket.take();
  assert.equal(socket.text, 'first\r\nsecond\r\n');
  assert.equal(outbound.pending, 0);
});

test('whatever is queued arrives whole and in order, and is accounted for to the byte', () => {
  const word = fc.stringMatching(/^[a-z.]{1,40}$/);
  const body = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 300 }),
    fc.integer({ min: 0, max: 70_000 }).map((size) => 'y'.repeat(size)),
  );
  const step = fc.record({
    subject: word,
    reply: fc.oneof(fc.constant(''), word),
    sid: word,
    body,
    flush: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, accepting) => {
      const { socket, outbound } = setUp(accepting);
      let expected = '';
      for (const { subject, reply, sid, body: text, flush } of steps) {
        const one = message(subject, reply, '', text);
        const before = outbound.pending;
        outbound.message(one, sid, true);
        assert.ok(outbound.pending - before <= Outbound.sizeOf(one, sid));
        expected += `MSG ${subject} ${sid} ${reply === '' ? '' : `${reply} `}${text.length}\r\n${text}\r\n`;
        if (!accepting) assert.equal(outbound.pending, expected.length);
        if (flush) outbound.flush();
      }
      outbound.flush();
      socket.take();
      assert.equal(socket.text, expected);
      assert.equal(outbound.pending, 0);
    }),
  );
});
