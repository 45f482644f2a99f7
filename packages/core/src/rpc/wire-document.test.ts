/** Plays the worked example of docs/wire.md: its caller against our server, and its server against our caller. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { FlotillaError } from '../errors/index.ts';
import { formatTraceparent, parseTraceparent } from '../telemetry/trace-context.ts';
import type { Dispatch, Reply, WireIdentity } from './channel.ts';
import { ConnectionServer } from './connection-server.ts';
import * as wire from './frame.ts';
import { memoryPipe } from './memory-transport.ts';
import { openChannel } from './open-channel.ts';
import { until } from './wire-harness.ts';
import { defaultLimits } from './wire-limits.ts';

const page = readFileSync(new URL('../../../../docs/wire.md', import.meta.url), 'utf8');

interface ExampleFrame {
  readonly from: 'caller' | 'server';
  readonly bytes: Buffer;
}

/** The frames of every ```frames block: `>` or `<`, hexadecimal up to `#`, and text after `| `. */
function parseExample(markdown: string): ExampleFrame[] {
  const frames: { from: 'caller' | 'server'; parts: Buffer[] }[] = [];
  for (const [, block] of markdown.matchAll(/```frames\n(.*?)```/gs)) {
    for (const line of block!.trimEnd().split('\n')) {
      const [, arrow, rest] = /^([<> ]) (.*)$/.exec(line)!;
      if (arrow !== ' ') frames.push({ from: arrow === '>' ? 'caller' : 'server', parts: [] });
      const text = /^\s*\| (.*)$/.exec(rest!);
      const bytes = text
        ? Buffer.from(text[1]!)
        : Buffer.from(rest!.replace(/#.*/, '').replaceAll(' ', ''), 'hex');
      frames.at(-1)!.parts.push(bytes);
    }
  }
  return frames.map(({ from, parts }) => ({ from, bytes: Buffer.concat(parts) }));
}

const example = parseExample(page);
const nonceOf = (index: number): string => JSON.parse(String(example[index]!.bytes.subarray(10))).nonce;
const secret = /secret is `([^`]+)`/.exec(page)![1]!;
const key = createHmac('sha256', secret).update('flotilla/wire').digest();
const orders: WireIdentity = { service: 'orders', instance: 'orders-1', key };
const ledger: WireIdentity = { service: 'ledger', instance: 'ledger-1', key };

/** Sends one side of the frames, and compares what comes back with the other. `before` is told each frame's type and call id. */
async function play(
  frames: readonly ExampleFrame[],
  stream: Duplex,
  side: 'caller' | 'server',
  before: (type: number, callId: number) => unknown,
): Promise<void> {
  let received = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  let compared = 0;
  for (const { from, bytes } of frames) {
    await before(bytes[4]!, bytes.readUInt32BE(6));
    if (from === side) {
      stream.write(bytes);
      continue;
    }
    const end = compared + bytes.length;
    await until(() => received.length >= end, `${bytes.toString('hex')} arrives`);
    assert.equal(received.toString('latin1', compared, end), bytes.toString('latin1'));
    compared = end;
  }
  assert.equal(received.length, compared);
}

describe('docs/wire.md', () => {
  it('has an example that shows every type of frame', () => {
    const types = new Set(example.map(({ bytes }) => bytes[4]));
    for (let type = wire.HELLO; type <= wire.GOAWAY; type++) assert.ok(types.has(type), `type ${type}`);
    for (const { bytes } of example) assert.equal(bytes.readUInt32BE(0), bytes.length - 4);
  });

  it('names the types by their numbers', () => {
    const rows = page.matchAll(/^\| (\d+) \| ([A-Z]+) \| /gm);
    const named = Object.fromEntries([...rows].map(([, number, name]) => [name, Number(number)]));
    const { HELLO, AUTH, REQUEST, RESPONSE, ERROR, ITEM, END, WINDOW, CANCEL, PING, PONG, GOAWAY } = wire;
    assert.deepEqual(named, {
      ...{ HELLO, AUTH, REQUEST, RESPONSE, ERROR, ITEM },
      ...{ END, WINDOW, CANCEL, PING, PONG, GOAWAY },
    });
  });

  it('gives the default limits', () => {
    assert.ok(page.includes(`received no byte for ${defaultLimits.pingMs / 1000} seconds`));
    assert.ok(page.includes(`received no byte for ${defaultLimits.deadMs / 1000} seconds`));
    assert.ok(page.includes(`complete ${defaultLimits.handshakeMs / 1000} seconds after`));
    assert.ok(page.includes(`by default at ${defaultLimits.maxBacklog / 1024 / 1024} MiB`));
    assert.ok(page.includes(`above ${wire.MAX_HANDSHAKE_FRAME}, whatever was announced`));
  });

  it('derives the key that it shows', () => {
    assert.ok(page.includes(key.toString('hex')));
  });

  it('is what our server does', async () => {
    const replies: Reply[] = [];
    const dispatch: Dispatch = async (call, reply) => {
      replies.push(reply);
      if (call.streaming) {
        for (const balance of ['1.00', '2.00', '3.00'])
          await reply.item(Buffer.from(`{"balance":"${balance}"}`));
        reply.end();
      } else if (call.idempotencyKey === 'order-1') {
        assert.deepEqual(call.user, { subject: 'ada', scopes: ['orders:write'] });
        assert.equal(
          formatTraceparent(call.trace!),
          '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        );
        assert.equal(String(call.payload), '{"account":"a-1","amount":"25.00"}');
        reply.value(Buffer.from('{"hold":"h-1"}'));
      } else if (String(call.payload).includes('a-2')) {
        const data = { available: '3.50' };
        reply.error(
          new FlotillaError('insufficient_funds', 'account a-2 has too little', { data, declared: true }),
        );
      }
    };
    const server = new ConnectionServer({ address: 'memory:', identity: ledger, dispatch }, () => nonceOf(1));
    server.startWith({ address: 'memory:', stop: async () => {} });
    const [near, far] = memoryPipe();
    server.accept(far);
    let drained: Promise<void> | undefined;
    await play(example, near, 'caller', async (type) => {
      if (type !== wire.GOAWAY) return;
      await until(() => replies.length === 4 && !replies[3]!.open, 'the cancellation arrives');
      replies[3]!.value(Buffer.alloc(0));
      drained = server.drain(10_000);
    });
    near.end();
    await drained;
  });

  it('is what our caller does', async () => {
    // A ping may come from either end: here it is the server's.
    const frames = example.map(({ from, bytes }): ExampleFrame => {
      const isPing = bytes[4] === wire.PING || bytes[4] === wire.PONG;
      return { from: isPing ? (from === 'caller' ? 'server' : 'caller') : from, bytes };
    });
    const [near, far] = memoryPipe();
    const options = { address: 'memory:', identity: orders, limits: { window: 4 }, timeoutMs: 10_000 };
    const opening = openChannel(near, options, { nonce: nonceOf(0) });
    const controller = new AbortController();
    const seen: string[] = [];
    const note = (promise: Promise<{ payload: Buffer }>) => {
      promise.then(
        ({ payload }) => seen.push(String(payload)),
        (error) => seen.push(`${error.code} ${JSON.stringify(error.data)}`),
      );
    };
    await play(frames, far, 'server', async (type, callId) => {
      if (type === wire.CANCEL) controller.abort();
      if (type !== wire.REQUEST) return;
      const channel = await opening;
      if (callId === 1) {
        const call = {
          deadlineMs: 1500,
          trace: parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')!,
          user: { subject: 'ada', scopes: ['orders:write'] },
          idempotencyKey: 'order-1',
        };
        note(channel.call('ledger.hold', Buffer.from('{"account":"a-1","amount":"25.00"}'), call));
      } else if (callId === 2) {
        const stream = channel.stream('ledger.watch', Buffer.from('{}'));
        void (async () => {
          for await (const item of stream) seen.push(String(item));
        })();
      } else if (callId === 3) {
        note(channel.call('ledger.hold', Buffer.from('{"account":"a-2","amount":"9.00"}')));
      } else {
        note(channel.call('ledger.hold', Buffer.from('{}'), { signal: controller.signal }));
      }
    });
    await until(() => near.destroyed, 'the caller closes after the go-away');
    assert.deepEqual(seen, [
      '{"hold":"h-1"}',
      ...['1.00', '2.00', '3.00'].map((balance) => `{"balance":"${balance}"}`),
      'insufficient_funds {"available":"3.50"}',
      'cancelled {"executed":"unknown"}',
    ]);
  });
});
