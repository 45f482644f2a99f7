/** A broker without a fleet, from outside: its command, official clients, and what it keeps. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { until } from '../testing/until.ts';

const BIN = fileURLToPath(new URL('../../bin/flotilla.js', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  said(): string;
  talk(): string;
}

describe('a broker that runs alone', () => {
  let folder: string;
  const running: ChildProcess[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flotilla-lone-'));
  });
  afterEach(() => {
    for (const child of running.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function start(...args: string[]): Running {
    const { FORCE_COLOR: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
    const child = spawn(process.execPath, [BIN, 'broker', ...args], { cwd: folder, env });
    running.push(child);
    let out = '';
    let talk = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      talk += chunk;
    });
    return { child, said: () => out, talk: () => talk };
  }

  async function run(...args: string[]): Promise<{ status: number | null; out: string; talk: string }> {
    const { child, said, talk } = start(...args);
    await once(child, 'close');
    return { status: child.exitCode, out: said(), talk: talk() };
  }

  async function serve(data: string): Promise<Running & { readonly url: string }> {
    const broker = start('run', '--port', '0', '--token', 'hush', '--data', data, '--json');
    const line = await until('the broker is ready', () => {
      assert.equal(broker.child.exitCode, null, broker.talk());
      return broker.said() || undefined;
    });
    return { ...broker, url: JSON.parse(line).url };
  }

  async function stop({ child }: Running): Promise<void> {
    child.kill('SIGTERM');
    await once(child, 'close');
    assert.equal(child.exitCode, 0);
  }

  /** With the official client, as anybody would. */
  async function store(url: string, ...texts: string[]): Promise<void> {
    const nats = await connect({ servers: url, token: 'hush' });
    const jsm = await jetstreamManager(nats);
    await jsm.streams.add({ name: 'notes', subjects: ['notes.>'] });
    for (const text of texts) await jetstream(nats).publish('notes.a', text);
    await nats.close();
  }

  async function stored(url: string): Promise<string[]> {
    const nats = await connect({ servers: url, token: 'hush' });
    const jsm = await jetstreamManager(nats);
    const { state } = await jsm.streams.info('notes');
    const texts: string[] = [];
    for (let sequence = state.first_seq; sequence <= state.last_seq; sequence++) {
      texts.push((await jsm.streams.getMessage('notes', { seq: sequence }))?.string() ?? '');
    }
    await nats.close();
    return texts;
  }

  it('keeps what official clients store, over a crash too', async () => {
    const data = join(folder, 'kept');
    const first = await serve(data);
    await store(first.url, 'one', 'two');
    first.child.kill('SIGKILL');
    await once(first.child, 'close');
    const second = await serve(data);
    assert.deepEqual(await stored(second.url), ['one', 'two']);
    await stop(second);
  });

  it('says that streams are gone with it when it has no data directory', async () => {
    const { child, talk } = start('run', '--port', '0', '--no-auth');
    await until('it says so', () => /in memory only.*--data <directory>/.test(talk()));
    await stop({ child, said: () => '', talk });
  });

  it('says what is wrong with a data directory', async () => {
    const data = join(folder, 'held');
    const broker = await serve(data);
    const noAuth = ['run', '--port', '0', '--no-auth', '--data'];
    const held = await run(...noAuth, data);
    assert.equal(held.status, 6);
    assert.match(
      held.talk,
      /^error: .*disk\.sqlite is in use by another process\nrepair: stop the other broker/,
    );
    await stop(broker);

    const file = join(folder, 'file');
    writeFileSync(file, '');
    const notMade = await run(...noAuth, join(file, 'below'));
    assert.equal(notMade.status, 8);
    assert.match(notMade.talk, /error: the data directory .* cannot be made/);

    const other = join(folder, 'kept', 'other');
    await serve(other).then(stop);
    writeFileSync(join(other, 'disk.sqlite'), 'something else altogether');
    const foreign = await run(...noAuth, other);
    assert.equal(foreign.status, 7);
    assert.match(foreign.talk, /is not a file of this broker\nrepair: choose another data directory/);
  });

  it('is backed up and restored while it is stopped, and only then', async () => {
    const data = join(folder, 'shelf');
    const backup = join(folder, 'backup');
    const broker = await serve(data);
    await store(broker.url, 'one', 'two');
    for (const args of [
      ['backup', backup, '--data', data],
      ['restore', join(folder, 'none'), '--data', data],
    ]) {
      const refused = await run(...args);
      assert.notEqual(refused.status, 0, args.join(' '));
    }
    const held = await run('backup', backup, '--data', data);
    assert.equal(held.status, 6);
    assert.match(held.talk, /repair: stop that broker first/);
    assert.ok(!existsSync(backup));
    await stop(broker);

    const made = await run('backup', 'backup', '--data', data);
    assert.equal(made.status, 0, made.talk);
    assert.equal(
      made.talk.replace(/\(.*\)/, '()'),
      `backed up 2 messages in 1 stream () to ${backup}; every message was read back\n`,
    );
    const later = await serve(data);
    await store(later.url, 'three');
    const refused = await run('restore', backup, '--data', data);
    assert.equal(refused.status, 6);
    await stop(later);

    const restored = await run('restore', backup, '--data', data, '--json');
    assert.equal(restored.status, 0, restored.talk);
    const { previous, messages } = JSON.parse(restored.out);
    assert.equal(messages, 2);
    const again = await serve(data);
    assert.deepEqual(await stored(again.url), ['one', 'two']);
    await stop(again);
    const former = await serve(previous);
    assert.deepEqual(await stored(former.url), ['one', 'two', 'three']);
    await stop(former);
  });

  it('has damaged records named, in a backup of them too', async () => {
    const data = join(folder, 'worn');
    const broker = await serve(data);
    await store(broker.url, 'precious words', 'more of them');
    await stop(broker);
    const file = join(data, 'disk.sqlite');
    const bytes = readFileSync(file);
    const at = bytes.lastIndexOf('precious');
    bytes[at] = bytes[at]! ^ 1;
    writeFileSync(file, bytes);

    const backup = join(folder, 'worn-backup');
    const made = await run('backup', backup, '--data', data);
    assert.equal(made.status, 1);
    assert.match(
      made.talk,
      /^error: the backup .* has damaged records:\n {2}notes #1: its checksum does not fit\n/,
    );
    const restored = await run('restore', backup, '--data', join(folder, 'fresh'), '--json');
    assert.equal(JSON.parse(restored.talk).error.code, 'store_damaged');
    assert.deepEqual(readdirSync(folder).includes('fresh'), false);
  });
});
