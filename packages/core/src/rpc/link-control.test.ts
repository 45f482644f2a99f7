import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { type FlotillaError, platformError } from '../errors/index.ts';
import type { Channel, IncomingCall, Transport, WireServer } from './channel.ts';
import type { LinkControl, LinkObserver } from './link-control.ts';
import { memoryTransport } from './memory-transport.ts';
import { socketTransport } from './socket-transport.ts';
import { identityOf, until } from './wire-harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'link-'));
after(() => rmSync(directory, { recursive: true }));

class Links implements LinkObserver {
  readonly open = new Set<LinkControl>();
  linkOpened(link: LinkControl): void {
    this.open.add(link);
  }
  linkEnded(link: LinkControl): void {
    this.open.delete(link);
  }
  get only(): LinkControl {
    assert.equal(this.open.size, 1);
    return [...this.open][0]!;
  }
}

const failure = (promise: Promise<unknown>): Promise<FlotillaError> =>
  promise.then(
    () => assert.fail('it should have failed'),
    (error: FlotillaError) => error,
  );

let sockets = 0;
const transports: [string, () => Transport, () => string][] = [
  ['memory', memoryTransport, () => 'memory:'],
  ['TCP', () => socketTransport, () => 'tcp://127.0.0.1:0'],
  ['Unix sockets', () => socketTransport, () => `unix:${join(directory, `${++sockets}.sock`)}`],
];

for (const [name, open, address] of transports) {
  describe(`control over the links of ${name}`, () => {
    let near: Links;
    let far: Links;
    let server: WireServer;
    let channel: Channel;
    let arrived: IncomingCall[];
    let transport: Transport;
    const dial = (options: { timeoutMs?: number; observer?: LinkObserver } = {}) =>
      transport.dial({
        address: server.address,
        identity: identityOf('orders-1'),
        timeoutMs: 10_000,
        observer: near,
        ...options,
      });

    async function start(): Promise<void> {
      near = new Links();
      far = new Links();
      arrived = [];
      transport = open();
      server = await transport.listen({
        address: address(),
        identity: identityOf('ledger-1'),
        dispatch(call, reply) {
          arrived.push(call);
          reply.value(call.payload);
        },
        observer: far,
      });
      channel = await dial();
    }

    afterEach(async () => {
      channel.close();
      await server.close();
    });

    for (const end of ['caller', 'server'] as const) {
      it(`lets nothing through while the ${end} holds, and everything once it does not`, async () => {
        await start();
        await channel.call('a.b', Buffer.from('0'));
        const link = (end === 'caller' ? near : far).only;
        link.hold(true);
        const answers = ['1', '2', '3'].map((text) => channel.call('a.b', Buffer.from(text)));
        await until(() => channel.stalled, 'the caller sees that not even pings are answered');
        assert.equal(arrived.length, 1);
        link.hold(false);
        const texts = (await Promise.all(answers)).map(({ payload }) => String(payload));
        assert.deepEqual(texts, ['1', '2', '3']);
        await until(() => !channel.stalled, 'and that they are again');
      });
    }

    it('makes a handshake hang while it is held, and lets it go on afterwards', async () => {
      await start();
      const held: LinkControl[] = [];
      const observer: LinkObserver = {
        linkOpened(link) {
          link.hold(true);
          held.push(link);
        },
        linkEnded() {},
      };
      assert.match((await failure(dial({ timeoutMs: 50, observer }))).message, /handshake within 50 ms/);
      const dialled = dial({ observer });
      held[1]!.hold(false);
      (await dialled).close();
    });

    it('cuts a connection, and says to the caller what may have been executed', async () => {
      await start();
      const sent = channel.call('a.slow', Buffer.alloc(0));
      near.only.cut(platformError('unavailable', 'cut by a test'));
      const error = await failure(sent);
      assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'no' }]);
      assert.match(error.message, /cut by a test/);
      assert.equal(channel.state, 'closed');
      assert.equal(near.open.size, 0);
      await until(() => far.open.size === 0, 'the server sees it');
    });

    it('cuts at the server with the caller seeing a lost connection', async () => {
      await start();
      far.only.cut(platformError('unavailable', 'cut by a test'));
      await until(() => channel.state === 'closed', 'the caller sees it');
      assert.equal(near.open.size, 0);
    });

    it('closes a held connection at once, without a word', async () => {
      await start();
      far.only.hold(true);
      await server.close();
      assert.equal(far.open.size, 0);
      await until(() => channel.state === 'closed', 'the caller sees it');
    });
  });
}
