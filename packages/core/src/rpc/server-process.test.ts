/** What callers see when a real server process dies or stops, and what it leaves behind. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FlotillaError } from '../errors/index.ts';
import type { Channel, WireServer } from './channel.ts';
import { dial, listen } from './socket-transport.ts';
import { identityOf, until } from './wire-harness.ts';
import type { WireLimits } from './wire-limits.ts';

const program = fileURLToPath(new URL('./fixtures/echo-server.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'wire-'));
const NOTHING = Buffer.alloc(0);
const children: ChildProcess[] = [];
const channels: Channel[] = [];
const servers: WireServer[] = [];

afterEach(async () => {
  for (const channel of channels.splice(0)) channel.close();
  for (const server of servers.splice(0)) await server.close();
  for (const child of children.splice(0)) await kill(child);
});
after(() => rmSync(directory, { recursive: true }));

interface ServerProcess {
  readonly child: ChildProcess;
  readonly address: string;
  readonly messages: { address?: string; started?: string }[];
}

async function startServer(address: string): Promise<ServerProcess> {
  const child = fork(program, [address]);
  children.push(child);
  const messages: ServerProcess['messages'] = [];
  child.on('message', (message) => messages.push(message as { address?: string }));
  await until(() => messages.length > 0, 'the server process listens', 30_000);
  return { child, address: messages[0]!.address!, messages };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function connect(address: string, limits: Partial<WireLimits> = {}): Promise<Channel> {
  const channel = await dial({ address, identity: identityOf('orders-1'), timeoutMs: 10_000, limits });
  channels.push(channel);
  return channel;
}

async function serveHere(address: string): Promise<WireServer> {
  const server = await listen({
    address,
    identity: identityOf('ledger-1'),
    dispatch: (call, reply) => reply.value(call.payload),
  });
  servers.push(server);
  return server;
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

for (const [name, address] of [
  ['TCP', () => 'tcp://127.0.0.1:0'],
  ['a Unix socket', () => `unix:${join(directory, `${children.length}-${performance.now()}.sock`)}`],
] as const) {
  describe(`a server process reached over ${name}`, () => {
    it('fails calls in flight as unavailable, perhaps executed, when it is killed', async () => {
      const { child, address: bound, messages } = await startServer(address());
      const channel = await connect(bound);
      assert.equal(String((await channel.call('a.echo', Buffer.from('x'))).payload), 'x');
      let closed: FlotillaError | undefined;
      channel.onClose((reason) => {
        closed = reason;
      });
      const answers = [
        failureOf(channel.call('a.hang', NOTHING)),
        failureOf(channel.stream('a.hang', NOTHING).next()),
      ];
      await until(
        () => messages.filter(({ started }) => started === 'a.hang').length === 2,
        'both calls have begun',
      );
      await kill(child);
      for (const error of await Promise.all(answers)) {
        assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
      }
      assert.deepEqual([channel.state, closed?.code], ['closed', 'unavailable']);
      const refused = await failureOf(connect(bound));
      assert.deepEqual([refused.code, refused.data], ['unavailable', { executed: 'no' }]);
    });

    it('is found dead when it has stopped, by a caller that waits for it', async () => {
      const { child, address: bound, messages } = await startServer(address());
      const channel = await connect(bound, { pingMs: 300, deadMs: 1500 });
      const answer = failureOf(channel.call('a.hang', NOTHING));
      await until(() => messages.some(({ started }) => started === 'a.hang'), 'the call has begun');
      child.kill('SIGSTOP');
      const error = await answer;
      assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
      assert.match(error.message, /sent nothing for 1500 ms/);
      assert.equal(channel.state, 'closed');
    });

    it('is seen to stall while it is stopped, and to go on afterwards with its calls intact', async () => {
      const { child, address: bound } = await startServer(address());
      const channel = await connect(bound);
      const seen: boolean[] = [];
      channel.onStall((stalled) => seen.push(stalled));
      child.kill('SIGSTOP');
      const answer = channel.call('a.echo', Buffer.from('late'));
      await until(() => channel.stalled, 'the stopped peer is seen to stall');
      child.kill('SIGCONT');
      assert.equal(String((await answer).payload), 'late');
      await until(() => !channel.stalled, 'the peer shows life');
      assert.deepEqual(seen, [true, false]);
    });
  });
}

describe('a Unix socket file', () => {
  it('that a killed process left is replaced', async () => {
    const path = join(directory, 'left.sock');
    const { child } = await startServer(`unix:${path}`);
    await kill(child);
    assert.ok(existsSync(path), 'the killed process could not remove its file');
    const server = await serveHere(`unix:${path}`);
    const channel = await connect(server.address);
    assert.equal(String((await channel.call('a.echo', Buffer.from('new'))).payload), 'new');
  });

  it('of a live process is left alone, with an error that says what to do', async () => {
    const path = join(directory, 'live.sock');
    const server = await serveHere(`unix:${path}`);
    const error = await failureOf(serveHere(`unix:${path}`));
    assert.equal(error.code, 'conflict');
    assert.ok(error.message.includes(path));
    assert.match(error.message, /stop it, or choose another path/);
    await connect(server.address);
  });

  it('is not taken for one when it is an ordinary file', async () => {
    const path = join(directory, 'notes.txt');
    writeFileSync(path, 'keep me');
    assert.equal((await failureOf(serveHere(`unix:${path}`))).code, 'conflict');
    assert.ok(existsSync(path));
  });

  it('is only for the user that runs the server, and goes with it', async () => {
    const path = join(directory, 'mine.sock');
    const server = await serveHere(`unix:${path}`);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await server.close();
    assert.equal(existsSync(path), false);
  });

  it('in a directory that does not exist is an error that names it', async () => {
    const error = await failureOf(serveHere(`unix:${join(directory, 'none', 'x.sock')}`));
    assert.ok(error.message.includes('none/x.sock'));
  });
});

describe('a TCP port', () => {
  it('that is taken is an error that names it and the way out', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const error = await failureOf(serveHere(`tcp://127.0.0.1:${port}`));
    assert.equal(error.code, 'conflict');
    assert.match(error.message, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken: stop`));
    other.close();
  });

  it('is free again after a close, also with callers connected', async () => {
    const first = await serveHere('tcp://127.0.0.1:0');
    const channel = await connect(first.address);
    await first.close();
    await until(() => channel.state === 'closed', 'the caller learns of it');
    const second = await serveHere(first.address);
    assert.equal(second.address, first.address);
  });
});
