/** What a peer can do to us that no honest one does: every case ends with a reason, and nothing else suffers. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { FlotillaError } from '../errors/index.ts';
import type { Channel, Dispatch, IncomingCall, Reply } from './channel.ts';
import { ConnectionServer } from './connection-server.ts';
import {
  AUTH,
  CANCEL,
  END,
  ERROR,
  FLAG_STREAM,
  HELLO,
  ITEM,
  MAX_CALL_ID,
  PING,
  PONG,
  REQUEST,
  RESPONSE,
  WINDOW,
} from './frame.ts';
import { proofOf } from './handshake.ts';
import { memoryPipe } from './memory-transport.ts';
import { openChannel } from './open-channel.ts';
import { identityOf, RawPeer, rawFrame, rawRequest, until } from './wire-harness.ts';
import type { WireLimits } from './wire-limits.ts';

const caller = identityOf('orders-1');
const NOTHING = Buffer.alloc(0);
const peers: RawPeer[] = [];
const channels: Channel[] = [];
const servers: ConnectionServer[] = [];

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.hangUp();
  for (const channel of channels.splice(0)) channel.close();
  for (const server of servers.splice(0)) await server.close();
});

function serve(dispatch: Dispatch, limits: Partial<WireLimits> = {}): ConnectionServer {
  const server = new ConnectionServer({
    address: 'memory:',
    identity: identityOf('ledger-1'),
    dispatch,
    limits,
  });
  server.startWith({ address: 'memory:', stop: async () => {} });
  servers.push(server);
  return server;
}

const echo: Dispatch = (call, reply) => {
  if (call.streaming) {
    reply.item(call.payload);
    reply.end();
  } else reply.value(call.payload);
};

/** A raw caller, not yet authenticated. */
function stranger(server: ConnectionServer, chunkSize?: (waiting: number) => number): RawPeer {
  const [near, far] = memoryPipe(chunkSize);
  server.accept(far);
  const peer = new RawPeer(near);
  peers.push(peer);
  return peer;
}

async function rawClient(server: ConnectionServer, hello?: Record<string, unknown>): Promise<RawPeer> {
  const peer = stranger(server);
  await peer.joinAsClient(caller, hello);
  return peer;
}

/** A channel to a raw server that has authenticated. */
async function rawServer(
  limits: Partial<WireLimits> = {},
  hello: Record<string, unknown> = {},
  lastCallId = 0,
) {
  const [near, far] = memoryPipe();
  const peer = new RawPeer(far);
  peers.push(peer);
  const opening = openChannel(
    near,
    { address: 'memory:', identity: caller, timeoutMs: 10_000, limits },
    { lastCallId },
  );
  await peer.joinAsServer(identityOf('ledger-1'), hello);
  const channel = await opening;
  channels.push(channel);
  return { peer, channel };
}

async function failureOf(promise: Promise<unknown>): Promise<FlotillaError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof FlotillaError, `a FlotillaError, not ${String(error)}`);
    return error;
  }
  assert.fail('it should have failed');
}

describe('a server', () => {
  const hello = rawFrame(
    HELLO,
    0,
    JSON.stringify({
      protocol: 1,
      ...{ service: 'x', instance: 'x-1' },
      nonce: 'n'.repeat(32),
      maxFrame: 4096,
      window: 1,
    }),
  );

  for (const [what, code, frames] of [
    ['calls before it has said hello', 'unauthenticated', [rawRequest(1, 'a.b')]],
    ['calls between hello and proof', 'unauthenticated', [hello, rawRequest(1, 'a.b')]],
    ['shows a proof before hello', 'unauthenticated', [rawFrame(AUTH, 0, '{"proof":"x"}')]],
    ['says hello twice', 'unauthenticated', [hello, hello]],
    ['shows a wrong proof', 'unauthenticated', [hello, rawFrame(AUTH, 0, '{"proof":"AAAA"}')]],
    ['shows no proof', 'invalid_argument', [hello, rawFrame(AUTH, 0, '{}')]],
    ['says hello in no JSON', 'invalid_argument', [rawFrame(HELLO, 0, 'hello')]],
    ['speaks another version', 'unimplemented', [rawFrame(HELLO, 0, '{"protocol":2}')]],
    ['speaks HTTP', 'payload_too_large', [Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')]],
    ['says hello at length', 'payload_too_large', [rawFrame(HELLO, 0, ' '.repeat(5000))]],
    ['sends a frame shorter than its head', 'invalid_argument', [Buffer.from([0, 0, 0, 2, 1, 0])]],
  ] as const) {
    it(`turns a stranger away that ${what}`, async () => {
      let dispatched = 0;
      const server = serve(() => {
        dispatched++;
      });
      const peer = stranger(server);
      peer.send(...frames);
      const notice = await peer.goAway();
      assert.equal(notice.code, code);
      assert.ok(notice.message.length > 10);
      await peer.closed();
      assert.deepEqual([dispatched, server.connections], [0, 0]);
    });
  }

  it('turns a stranger away that says nothing', async () => {
    const server = serve(echo, { handshakeMs: 30 });
    const peer = stranger(server);
    assert.equal((await peer.goAway()).code, 'unauthenticated');
    await peer.closed();
  });

  it('refuses a recorded handshake, for its own nonce is new', async () => {
    const server = serve(echo);
    const first = await rawClient(server);
    await first.settled();
    assert.equal(server.connections, 1);
    const clientNonce = 'raw-client-nonce-0123456789';
    const serverNonce = JSON.parse(String((await first.next(HELLO)).body)).nonce;
    const transcript = { clientNonce, serverNonce, client: caller, server: identityOf('ledger-1') };
    const proof = proofOf(caller.key, 'client', transcript).toString('base64url');

    const second = stranger(server);
    const { service, instance } = caller;
    const greeting = { protocol: 1, service, instance, nonce: clientNonce, maxFrame: 4096, window: 1 };
    second.send(rawFrame(HELLO, 0, JSON.stringify(greeting)), rawFrame(AUTH, 0, JSON.stringify({ proof })));
    assert.equal((await second.goAway()).code, 'unauthenticated');
    assert.equal(server.connections, 1);
  });

  it('does not take its own proof for a caller’s', async () => {
    const server = serve(echo);
    const peer = stranger(server);
    peer.send(hello);
    const { proof } = JSON.parse(String((await peer.next(HELLO)).body));
    peer.send(rawFrame(AUTH, 0, JSON.stringify({ proof })));
    assert.equal((await peer.goAway()).code, 'unauthenticated');
  });

  it('serves requests that come in one piece with the proof', async () => {
    const server = serve(echo);
    const peer = stranger(server);
    const { send } = peer;
    peer.send = (...frames) => {
      const isAuth = frames[0]![4] === AUTH;
      send.call(peer, ...frames, ...(isAuth ? [rawRequest(1, 'a.b', 'early')] : []));
    };
    await peer.joinAsClient(caller);
    assert.equal(await peer.response(1), 'early');
  });

  for (const [what, frames] of [
    ['uses a call id again', [rawRequest(5, 'a.b'), rawRequest(5, 'a.b')]],
    ['uses a lower call id', [rawRequest(5, 'a.b'), rawRequest(4, 'a.b')]],
    ['uses call id 0', [rawRequest(0, 'a.b')]],
    ['names no operation', [rawFrame(REQUEST, 1, Buffer.from([0, 0, 0, 0, 0]))]],
    ['sends half a request', [rawFrame(REQUEST, 1, Buffer.from([0, 0]))]],
    ['uses flags that do not exist', [rawRequest(1, 'a.b', '', 0, 128)]],
    ['sends a response', [rawFrame(RESPONSE, 1)]],
    ['sends an item', [rawFrame(ITEM, 1)]],
    ['sends an unknown type', [rawFrame(99, 1)]],
    ['authenticates again', [rawFrame(AUTH, 0, '{}')]],
    ['sends a window of 3 bytes', [rawFrame(WINDOW, 1, 'abc')]],
  ] as const) {
    it(`ends a connection whose caller ${what}, and says why`, async () => {
      const server = serve(echo);
      const peer = await rawClient(server);
      peer.send(...frames);
      const notice = await peer.goAway();
      assert.equal(notice.code, 'invalid_argument');
      await peer.closed();
      const next = await rawClient(server);
      next.send(rawRequest(1, 'a.b', 'fine'));
      assert.equal(await next.response(1), 'fine');
    });
  }

  it('ends a connection whose caller grants more credit than can be counted', async () => {
    const open: Reply[] = [];
    const server = serve((_, reply) => {
      open.push(reply);
    });
    const peer = await rawClient(server);
    const most = Buffer.from([0xff, 0xff, 0xff, 0xff]);
    peer.send(rawRequest(1, 'a.b', '', 0, FLAG_STREAM), rawFrame(WINDOW, 1, most));
    assert.equal((await peer.goAway()).code, 'invalid_argument');
    assert.equal(open[0]!.open, false);
    open[0]!.end();
  });

  it('ends a connection that sends a frame above its limit', async () => {
    const server = serve(echo, { maxFrame: 5000 });
    const peer = await rawClient(server);
    peer.send(rawRequest(1, 'a.b', 'x'.repeat(6000)));
    assert.equal((await peer.goAway()).code, 'payload_too_large');
  });

  it('ignores what comes too late for a call', async () => {
    const server = serve(echo);
    const peer = await rawClient(server);
    peer.send(rawRequest(1, 'a.b', 'x'));
    await peer.response(1);
    peer.send(rawFrame(CANCEL, 1), rawFrame(WINDOW, 1, Buffer.alloc(4)), rawFrame(CANCEL, 77));
    peer.send(rawRequest(2, 'a.b', 'y'));
    assert.equal(await peer.response(2), 'y');
  });

  it('answers a call past its deadline by itself', async () => {
    let seen: IncomingCall | undefined;
    let answer: Reply | undefined;
    const server = serve((call, reply) => {
      seen = call;
      answer = reply;
    });
    const peer = await rawClient(server);
    peer.send(rawRequest(1, 'a.slow', '', 30));
    const error = JSON.parse(String((await peer.next(ERROR, 1)).body));
    assert.equal(error.code, 'deadline_exceeded');
    assert.equal(seen!.signal.reason.code, 'deadline_exceeded');
    assert.equal(seen!.remainingMs(), 0);
    assert.equal(server.inFlight, 1);
    answer!.value(NOTHING);
    await peer.settled();
    assert.equal(server.inFlight, 0);
    assert.ok(!peer.frames.some(({ type }) => type === RESPONSE));
  });

  it('counts a call that was cancelled until its handler has finished, so that cancelling buys no more of them', async () => {
    const open: Reply[] = [];
    const server = serve(
      (_, reply) => {
        open.push(reply);
      },
      { maxInFlight: 3 },
    );
    const peer = await rawClient(server);
    for (let callId = 1; callId <= 10; callId++)
      peer.send(rawRequest(callId, 'a.b'), rawFrame(CANCEL, callId));
    await peer.settled();
    assert.equal(open.length, 3);
    const refusals = peer.frames.filter(({ type }) => type === ERROR);
    assert.equal(refusals.length, 7);
    const { code, data } = JSON.parse(String(refusals[0]!.body));
    assert.deepEqual([code, data], ['overloaded', { executed: 'no' }]);
    for (const reply of open) reply.value(NOTHING);
  });

  it('does not start calls that cross its go-away', async () => {
    const open: Reply[] = [];
    const server = serve((_, reply) => {
      open.push(reply);
    });
    const peer = await rawClient(server);
    peer.send(rawRequest(1, 'a.b'));
    await until(() => open.length === 1, 'the call arrives');
    const draining = server.drain(60_000);
    peer.send(rawRequest(2, 'a.b'));
    const notice = await peer.goAway();
    assert.deepEqual([notice.code, notice.lastCallId], ['unavailable', 1]);
    await peer.settled();
    assert.equal(open.length, 1);
    open[0]!.value(Buffer.from('done'));
    assert.equal(await peer.response(1), 'done');
    await peer.closed();
    await peer.hangUp();
    await draining;
  });

  it('keeps little in memory for a caller that asks much and reads nothing, and serves it when it does', async () => {
    let answered = 0;
    const answer = Buffer.alloc(50_000);
    const server = serve(
      (_, reply) => {
        answered++;
        reply.value(answer);
      },
      { maxBacklog: 500_000 },
    );
    const peer = await rawClient(server);
    await peer.settled();
    peer.stream.pause();
    for (let callId = 1; callId <= 400; callId++) {
      peer.send(rawRequest(callId, 'a.b', 'x'.repeat(10_000)));
    }
    const other = await rawClient(server);
    await other.settled();
    // A chunk in memory is a write of this test; a socket's has 64 KiB.
    assert.ok(answered < 100, `${answered} of 400 answered`);
    peer.stream.resume();
    await peer.next(RESPONSE, 400);
    assert.equal(answered, 400);
  });

  it('gives up a caller that never takes its answers', async () => {
    const server = serve((_, reply) => reply.value(Buffer.alloc(50_000)), {
      maxBacklog: 100_000,
      pingMs: 20,
      deadMs: 60,
    });
    const peer = await rawClient(server);
    await peer.settled();
    peer.stream.pause();
    for (let callId = 1; callId <= 50; callId++) peer.send(rawRequest(callId, 'a.b'));
    await until(() => server.connections === 0, 'the server gives up');
  });

  it('gives up a caller that says nothing, and not one that speaks a byte at a time', async () => {
    const server = serve(echo, { pingMs: 25, deadMs: 100 });
    const silent = await rawClient(server);
    const slow = await rawClient(server);
    const request = rawRequest(1, 'a.b', 'x'.repeat(120));
    for (const byte of request) {
      slow.send(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal((await slow.response(1)).length, 120);
    await until(() => silent.gone, 'the silent one is given up');
    assert.ok(silent.frames.some(({ type }) => type === PING));
  });
});

describe('a server under random input', () => {
  let server: ConnectionServer;

  before(() => {
    server = new ConnectionServer({ address: 'memory:', identity: identityOf('ledger-1'), dispatch: echo });
    server.startWith({ address: 'memory:', stop: async () => {} });
  });

  after(() => server.close());

  /** However it went: an end with a reason or a connection that still answers, no call left behind, and a healthy server. */
  async function checkOutcome(peer: RawPeer): Promise<void> {
    // A length field that promises more than came would swallow the ping: hang up in the middle of that frame.
    peer.stream.end();
    await peer.closed();
    const notices = peer.frames.filter(({ type }) => type === 12);
    for (const { body } of notices) {
      const { code, message } = JSON.parse(String(body));
      assert.ok(['unauthenticated', 'invalid_argument', 'payload_too_large', 'unimplemented'].includes(code));
      assert.ok(message.length > 0);
    }
    await until(() => server.connections === 0 && server.inFlight === 0, 'nothing of the connection is left');
    const healthy = stranger(server);
    await healthy.joinAsClient(caller);
    healthy.send(rawRequest(1, 'a.b', 'fine'));
    assert.equal(await healthy.response(1), 'fine');
    await healthy.hangUp();
    await until(() => server.connections === 0, 'the healthy one has gone');
  }

  const anyChunkSize = fc.integer({ min: 1, max: 64 }).map((size) => () => size);

  it('survives arbitrary bytes from a stranger', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), anyChunkSize, async (bytes, chunkSize) => {
        const peer = stranger(server, chunkSize);
        peer.send(bytes);
        await checkOutcome(peer);
      }),
      { numRuns: 60 },
    );
  });

  it('survives arbitrary frames from an authenticated caller', async () => {
    const anyFrame = fc
      .tuple(
        fc.integer({ min: 0, max: 14 }),
        fc.integer({ min: 0, max: 8 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(15),
      )
      .map(([type, callId, body, flags]) => rawFrame(type, callId, body, flags));
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyFrame, { minLength: 1, maxLength: 8 }),
        anyChunkSize,
        async (frames, chunkSize) => {
          const peer = stranger(server, chunkSize);
          await peer.joinAsClient(caller);
          peer.send(...frames);
          await checkOutcome(peer);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('survives a valid conversation with bytes changed, doubled or missing', async () => {
    const conversation = Buffer.concat([
      rawRequest(1, 'ledger.hold', '{"a":1}', 1000),
      rawFrame(PING, 0, '12345678'),
      rawRequest(2, 'ledger.watch', '{}', 0, FLAG_STREAM),
      rawFrame(WINDOW, 2, Buffer.from([0, 0, 0, 8])),
      rawFrame(CANCEL, 2),
      rawRequest(3, 'ledger.hold', '{"a":2}'),
    ]);
    const mutation = fc.record({
      kind: fc.constantFrom('change', 'double', 'drop', 'cut'),
      at: fc.nat(conversation.length - 1),
      value: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        anyChunkSize,
        async (mutations, chunkSize) => {
          let bytes = Buffer.from(conversation);
          for (const { kind, at, value } of mutations) {
            const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
            if (kind === 'change') bytes = Buffer.concat([head, Buffer.from([value]), tail.subarray(1)]);
            else if (kind === 'double') bytes = Buffer.concat([head, tail.subarray(0, 1), tail]);
            else if (kind === 'drop') bytes = Buffer.concat([head, tail.subarray(1)]);
            else bytes = head;
          }
          const peer = stranger(server, chunkSize);
          await peer.joinAsClient(caller);
          peer.send(bytes);
          await checkOutcome(peer);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a caller', () => {
  it('refuses a server that cannot prove itself, and shows it no proof', async () => {
    const [near, far] = memoryPipe();
    const peer = new RawPeer(far);
    peers.push(peer);
    const opening = failureOf(openChannel(near, { address: 'memory:', identity: caller }));
    await peer.greetAsServer(identityOf('ledger-1', 9));
    assert.equal((await opening).code, 'unauthenticated');
    assert.equal((await peer.goAway()).code, 'unauthenticated');
    assert.ok(!peer.frames.some(({ type }) => type === AUTH));
  });

  it('refuses a recorded server, for its own nonce is new', async () => {
    const recorded = await rawServer();
    const old = recorded.peer.frames.find(({ type }) => type === HELLO)!;
    const oldNonce = JSON.parse(String(old.body)).nonce;
    const serverNonce = 'raw-server-nonce-0123456789';
    const server = identityOf('ledger-1');
    const proof = proofOf(server.key, 'server', {
      clientNonce: oldNonce,
      serverNonce,
      client: caller,
      server,
    });
    const [near, far] = memoryPipe();
    const peer = new RawPeer(far);
    peers.push(peer);
    const opening = failureOf(openChannel(near, { address: 'memory:', identity: caller }));
    await peer.next(HELLO);
    const { service, instance } = server;
    const hello = { protocol: 1, service, instance, nonce: serverNonce, maxFrame: 1 << 20, maxInFlight: 9 };
    peer.send(rawFrame(HELLO, 0, JSON.stringify({ ...hello, proof: proof.toString('base64url') })));
    assert.equal((await opening).code, 'unauthenticated');
  });

  it('gives up a server that never finishes the handshake', async () => {
    const [near] = memoryPipe();
    const error = await failureOf(openChannel(near, { address: 'memory:', identity: caller, timeoutMs: 20 }));
    assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'no' }]);
    assert.match(error.message, /20 ms/);
  });

  it('reports why a server turned it away', async () => {
    const [near, far] = memoryPipe();
    const peer = new RawPeer(far);
    peers.push(peer);
    const opening = failureOf(openChannel(near, { address: 'memory:', identity: caller }));
    peer.send(rawFrame(12, 0, '{"code":"unauthenticated","message":"who are you","lastCallId":0}'));
    peer.stream.end();
    const error = await opening;
    assert.equal(error.code, 'unauthenticated');
    assert.match(error.message, /who are you/);
  });

  for (const [what, frames] of [
    ['answers a call that was never made', [rawFrame(RESPONSE, 9)]],
    ['answers with an item where none is expected', [rawFrame(ITEM, 1)]],
    ['answers with an end where none is expected', [rawFrame(END, 1)]],
    ['answers a stream with a response', [rawFrame(RESPONSE, 2)]],
    ['sends a request', [rawRequest(1, 'a.b')]],
    ['sends an unknown type', [rawFrame(77, 1)]],
    ['overruns the window', Array.from({ length: 5 }, () => rawFrame(ITEM, 2, 'x'))],
    ['sends a frame above the limit', [rawFrame(RESPONSE, 1, Buffer.alloc(9000))]],
  ] as const) {
    it(`ends a connection whose server ${what}, and says why`, async () => {
      const { peer, channel } = await rawServer({ window: 4, maxFrame: 8192 });
      const answer = failureOf(channel.call('a.b', NOTHING));
      const stream = channel.stream('a.b', NOTHING);
      await peer.next(REQUEST, 2);
      peer.send(...frames);
      assert.match((await peer.goAway()).code, /invalid_argument|payload_too_large/);
      const error = await answer;
      assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
      await failureOf(
        (async () => {
          for await (const _ of stream);
        })(),
      );
      assert.equal(channel.state, 'closed');
    });
  }

  it('fails its calls at once when the connection is cut in the middle of a frame', async () => {
    const { peer, channel } = await rawServer();
    const answer = failureOf(channel.call('a.b', NOTHING));
    await peer.next(REQUEST, 1);
    peer.send(rawFrame(RESPONSE, 1, 'x'.repeat(100)).subarray(0, 50));
    peer.stream.end();
    const error = await answer;
    assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
  });

  it('fails its calls when the server goes silent', async () => {
    const { peer, channel } = await rawServer({ pingMs: 20, deadMs: 80 });
    const error = await failureOf(channel.call('a.b', NOTHING));
    assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
    assert.match(error.message, /nothing for 80 ms/);
    assert.ok(peer.frames.some(({ type }) => type === PING));
  });

  it('ignores the late answer to a call it gave up', async () => {
    const { peer, channel } = await rawServer();
    const controller = new AbortController();
    const answer = failureOf(channel.call('a.b', NOTHING, { signal: controller.signal }));
    await peer.next(REQUEST, 1);
    controller.abort();
    await answer;
    await peer.next(CANCEL, 1);
    peer.send(rawFrame(RESPONSE, 1, 'late'), rawFrame(ITEM, 1), rawFrame(END, 1), rawFrame(ERROR, 1, '{}'));
    const next = channel.call('a.b', NOTHING);
    peer.send(rawFrame(RESPONSE, 2, 'ok'));
    assert.equal(String((await next).payload), 'ok');
  });

  it('takes calls above a go-away’s last call id for never executed, and waits for the others', async () => {
    const { peer, channel } = await rawServer();
    const first = channel.call('a.b', NOTHING);
    const second = failureOf(channel.call('a.b', NOTHING));
    await peer.next(REQUEST, 2);
    peer.send(rawFrame(12, 0, '{"code":"unavailable","message":"moving","lastCallId":1}'));
    const error = await second;
    assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'no' }]);
    assert.equal(channel.state, 'draining');
    peer.send(rawFrame(RESPONSE, 1, 'done'));
    assert.equal(String((await first).payload), 'done');
    await peer.closed();
  });

  it('makes an internal error of one it cannot read', async () => {
    const { peer, channel } = await rawServer();
    for (const [index, body] of ['', 'oops', '[]', '{"code":7}'].entries()) {
      const answer = failureOf(channel.call('a.b', NOTHING));
      peer.send(rawFrame(ERROR, index + 1, body));
      assert.equal((await answer).code, 'internal');
    }
    assert.equal(channel.state, 'open');
  });

  it('refuses calls while a server does not take its bytes, and carries them again when it does', async () => {
    const { peer, channel } = await rawServer({ maxBacklog: 200_000 });
    peer.stream.pause();
    const payload = Buffer.alloc(50_000);
    const answers: Promise<unknown>[] = [];
    let refused: FlotillaError | undefined;
    for (let index = 0; index < 20 && refused === undefined; index++) {
      const call = channel.call('a.b', payload);
      const outcome = call.then(
        () => undefined,
        (error) => error,
      );
      if (channel.inFlight === answers.length) refused = await outcome;
      else answers.push(call);
    }
    assert.deepEqual([refused?.code, refused?.data], ['overloaded', { executed: 'no' }]);
    peer.stream.resume();
    await peer.next(REQUEST, answers.length);
    for (let callId = 1; callId <= answers.length; callId++) peer.send(rawFrame(RESPONSE, callId));
    await Promise.all(answers);
    const next = channel.call('a.b', payload);
    peer.send(rawFrame(RESPONSE, answers.length + 1));
    await next;
  });

  it('reports that its call ids run low, works on, and closes when nothing is in flight', async () => {
    const { peer, channel } = await rawServer({}, {}, MAX_CALL_ID - 0x0010_0000 - 1);
    let drained = false;
    channel.onDrain(() => {
      drained = true;
    });
    const answers = [channel.call('a.b', NOTHING), channel.call('a.b', NOTHING)];
    assert.deepEqual([drained, channel.state], [true, 'draining']);
    peer.send(
      rawFrame(RESPONSE, MAX_CALL_ID - 0x0010_0000),
      rawFrame(RESPONSE, MAX_CALL_ID - 0x0010_0000 + 1),
    );
    await Promise.all(answers);
    await peer.closed();
    assert.equal(channel.state, 'closed');
  });

  it('refuses calls when its call ids have run out', async () => {
    const { peer, channel } = await rawServer({}, {}, MAX_CALL_ID - 1);
    const answer = channel.call('a.b', NOTHING);
    const error = await failureOf(channel.call('a.b', NOTHING));
    assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'no' }]);
    peer.send(rawFrame(RESPONSE, MAX_CALL_ID));
    await answer;
  });

  it('answers a ping with what it carried', async () => {
    const { peer } = await rawServer();
    peer.send(rawFrame(PING, 0, '12345678'));
    assert.equal(String((await peer.next(PONG)).body), '12345678');
  });

  it('settles every call, whatever a server answers', async () => {
    const anyFrame = fc
      .tuple(
        fc.integer({ min: 0, max: 14 }),
        fc.integer({ min: 0, max: 4 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(3),
      )
      .map(([type, callId, body, flags]) => rawFrame(type, callId, body, flags));
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyFrame, { maxLength: 8 }),
        fc.uint8Array({ maxLength: 20 }),
        async (frames, tail) => {
          const { peer, channel } = await rawServer();
          const calls = [channel.call('a.b', NOTHING), channel.call('a.c', NOTHING)];
          const stream = channel.stream('a.d', NOTHING);
          peer.send(...frames, tail);
          peer.stream.end();
          for (const outcome of await Promise.allSettled(calls)) {
            if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof FlotillaError);
          }
          try {
            for await (const item of stream) assert.ok(Buffer.isBuffer(item));
          } catch (error) {
            assert.ok(error instanceof FlotillaError);
          }
          await until(() => channel.state === 'closed', 'the channel closes');
          assert.equal(channel.inFlight, 0);
        },
      ),
      { numRuns: 100 },
    );
  });
});
