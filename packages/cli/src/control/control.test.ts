import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { deriveToken } from 'flotilla/secret';
import { parseFleet } from '../config/fleet.ts';
import { Failure } from '../failure.ts';
import type { LogEntry } from '../logs/entry.ts';
import { Steering } from '../steering/steering.ts';
import { planOf } from '../supervision/plan.ts';
import type { RestartFollower } from '../supervisor/supervisor.ts';
import { until } from '../testing/until.ts';
import { ControlClient } from './client.ts';
import { type ControlServer, type ControlTarget, serveControl } from './server.ts';
import { chooseSocketPath } from './socket-path.ts';

const SECRET = 'a-secret-of-enough-length';
const LINE: LogEntry = { time: '2026', level: 'info', service: 'a', instance: 'a-1', msg: 'hello' };

function targetOf(overrides: Partial<ControlTarget> = {}): ControlTarget {
  return {
    status: () => ({
      name: 'shop',
      pid: 1,
      state: 'running',
      config: '/c.ts',
      data: '/d',
      startedAt: '2026',
      readySeconds: 1,
      urls: { control: 'unix:/s' },
      version: '0',
    }),
    instances: () => [],
    lastLogs: () => [LINE],
    followLogs: () => () => {},
    logNames: ['a'],
    restart: () => ({ instances: [], cancel() {} }),
    backup: async () => {},
    stop() {},
    steering: new Steering({
      plan: planOf(parseFleet({ name: 'shop', services: { a: { entry: 'x' } } }), true),
      processes: { serving: () => [], hold() {} },
      policies: {},
      faultsAllowed: true,
      config: '/c.ts',
      operations: async () => undefined,
      push() {},
      onFault() {},
    }),
    ...overrides,
  };
}

describe('the control socket', () => {
  let directory: string;
  let path: string;
  let server: ControlServer;
  const followers = new Set<(entry: LogEntry) => void>();
  const restarts: RestartFollower[] = [];
  let cancelled = 0;
  let stops = 0;
  const backups: string[] = [];

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'flotilla-control-'));
    path = join(directory, 'control.sock');
    const target = targetOf({
      restart(name, rolling, follow) {
        if (name !== 'a') throw new Failure('not_found', `no ${name}`, { repair: 'use a' });
        follow({ stage: 'replacing', instance: 'a-1' });
        if (!rolling) follow({ stage: 'done' });
        else restarts.push(follow);
        return { instances: ['a-1'], cancel: () => cancelled++ };
      },
      followLogs(listener) {
        followers.add(listener);
        return () => followers.delete(listener);
      },
      async backup(directory) {
        if (directory === '/taken')
          throw new Failure('backup_failed', '/taken exists', { repair: 'another' });
        backups.push(directory);
      },
      stop: () => {
        stops++;
      },
    });
    server = await serveControl(path, deriveToken(SECRET, 'control'), target);
  });
  after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  function client(secret = SECRET): ControlClient {
    const record = {
      name: 'shop',
      config: '/c.ts',
      supervisor: { pid: process.pid, started: '' },
      children: [],
      socket: path,
      urls: { control: `unix:${path}` },
    };
    return new ControlClient(record, secret);
  }

  function statusOf(
    method: string,
    target: string,
    headers: Record<string, string>,
  ): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: path, method, path: target, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on('error', reject);
      call.end();
    });
  }

  it('can be opened by its owner alone', () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('refuses everything without the right token', async () => {
    const tokens = [
      '',
      'Bearer',
      'Bearer wrong',
      `Bearer ${SECRET}`,
      `Bearer ${deriveToken(SECRET, 'admin')}`,
    ];
    for (const authorization of tokens) {
      for (const [method, target] of [
        ['GET', '/status'],
        ['GET', '/logs'],
        ['POST', '/stop'],
        ['GET', '/nothing'],
      ] as const) {
        assert.equal(
          await statusOf(method, target, { authorization }),
          401,
          `${method} ${target} ${authorization}`,
        );
      }
    }
    assert.equal(stops, 0);
    await assert.rejects(client('another-secret-of-that-kind').status(), /token is missing or wrong/);
  });

  it('answers with the token, and knows no other paths', async () => {
    assert.equal((await client().status()).name, 'shop');
    const authorization = `Bearer ${deriveToken(SECRET, 'control')}`;
    assert.equal(await statusOf('GET', '/nothing', { authorization }), 404);
    assert.equal(await statusOf('GET', '/stop', { authorization }), 404);
    assert.equal(await statusOf('GET', '/logs?lines=many', { authorization }), 400);
  });

  it('hands over failures with code and repair', async () => {
    await client().restart('a');
    await assert.rejects(client().restart('b/../c'), (error) => {
      assert.ok(error instanceof Failure);
      assert.deepEqual([error.code, error.message, error.repair], ['not_found', 'no b/../c', 'use a']);
      return true;
    });
  });

  it('lets the broker be backed up, to an absolute path', async () => {
    await client().backup('/backups/monday');
    assert.deepEqual(backups, ['/backups/monday']);
    await assert.rejects(client().backup('/taken'), { code: 'backup_failed', repair: 'another' });
    await assert.rejects(client().backup('monday'), /is not an absolute path/);
    assert.equal(backups.length, 1);
  });

  it('tells how a rolling restart goes, and calls it off when nobody listens', async () => {
    const seen: string[] = [];
    for await (const { time, ...event } of client().rollingRestart('a')) {
      assert.match(time, /^\d{4}-/);
      seen.push(JSON.stringify(event));
      if (event.stage === 'replacing') restarts.pop()?.({ stage: 'failed', instance: 'a-1', reason: 'no' });
    }
    assert.deepEqual(seen, [
      '{"stage":"begun","instances":["a-1"]}',
      '{"stage":"replacing","instance":"a-1"}',
      '{"stage":"failed","instance":"a-1","reason":"no"}',
    ]);
    await assert.rejects(client().rollingRestart('b').next(), /no b/);
    cancelled = 0;
    for await (const { stage } of client().rollingRestart('a')) if (stage === 'replacing') break;
    await until('it is called off', () => cancelled === 1);
  });

  it('gives the last lines, and follows them until the reader leaves', async () => {
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { msg } of client().logs({ service: 'a', lines: 10, follow: true })) {
        seen.push(msg);
        if (seen.length === 2) break;
      }
    })();
    await until('it follows', () => followers.size === 1);
    for (const follower of followers) {
      follower({ ...LINE, service: 'b', msg: 'of another' });
      follower({ ...LINE, msg: 'next' });
    }
    await reading;
    assert.deepEqual(seen, ['hello', 'next']);
    await until('it is forgotten', () => followers.size === 0);
  });

  it('says that the fleet is gone when nobody listens', async () => {
    const gone = new ControlClient({ ...client().record, socket: join(directory, 'gone.sock') }, SECRET);
    await assert.rejects(gone.status(), (error) => error instanceof Failure && error.code === 'not_running');
  });
});

describe('the path of the control socket', () => {
  it('lies in the run directory while that is short enough', () => {
    const run = `/${'r'.repeat(80)}`;
    assert.deepEqual(chooseSocketPath(run), { path: `${run}/control.sock`, directory: undefined });
  });

  it('lies in a private directory of its own when that is too long for a socket', () => {
    const { path, directory } = chooseSocketPath(`/${'r'.repeat(100)}`);
    try {
      assert.ok(directory !== undefined && dirname(path) === directory && basename(path) === 'control.sock');
      assert.ok(Buffer.byteLength(path) <= 100);
      assert.equal(statSync(directory).mode & 0o777, 0o700);
    } finally {
      rmSync(directory ?? '', { recursive: true, force: true });
    }
  });
});
