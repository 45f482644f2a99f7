import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Failure } from '../failure.ts';
import { until } from '../testing/until.ts';
import { readRecord, writeRecord } from './fleet-record.ts';
import { createLayout, layoutOf, privacyProblem } from './layout.ts';
import { acquireLock } from './lock.ts';
import { identify, isAlive } from './process-identity.ts';
import { establishSecret, readSecret } from './secret.ts';
import { rememberCurrent, whichFleet } from './which-fleet.ts';

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'flotilla-data-'));
});
after(() => rmSync(directory, { recursive: true }));

const fresh = () => mkdtempSync(join(directory, 'case-'));

/** Runs a module in another process and resolves when it says something. */
async function inOtherProcess(source: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  await until('the other process speaks', () => said !== '', 10_000);
  return { child, said };
}

describe('the data directory', () => {
  it('has directories that only its owner can enter, whatever the umask', () => {
    const layout = layoutOf(join(fresh(), 'deep', 'data'));
    const umask = process.umask(0);
    try {
      createLayout(layout);
    } finally {
      process.umask(umask);
    }
    for (const path of [layout.root, layout.run, layout.logs, join(layout.root, 'services')]) {
      assert.equal(statSync(path).mode & 0o777, 0o700, path);
    }
    assert.equal(privacyProblem(layout.run), undefined);
  });

  it('is refused when others could read the run directory', () => {
    const layout = layoutOf(fresh());
    mkdirSync(layout.run, { mode: 0o700 });
    chmodSync(layout.run, 0o750);
    assert.throws(
      () => createLayout(layout),
      (error) =>
        error instanceof Failure && error.code === 'unsafe_permissions' && /mode 750/.test(error.message),
    );
  });

  it('that cannot be made is a clear error', () => {
    const file = join(fresh(), 'file');
    writeFileSync(file, '');
    assert.throws(
      () => createLayout(layoutOf(join(file, 'data'))),
      (error) => error instanceof Failure && /--data/.test(error.repair ?? ''),
    );
  });
});

describe('the lock', () => {
  it('has one holder at a time', () => {
    const file = join(fresh(), 'lock');
    const first = acquireLock(file);
    assert.ok(first);
    assert.equal(acquireLock(file), undefined);
    first.release();
    const second = acquireLock(file);
    assert.ok(second);
    second.release();
  });

  it('is free the moment its holder was killed', async () => {
    const file = join(fresh(), 'lock');
    const { child } = await inOtherProcess(
      `const { acquireLock } = await import('${new URL('./lock.ts', import.meta.url).href}');
       globalThis.lock = acquireLock(${JSON.stringify(file)});
       console.log('held'); setInterval(() => {}, 1000);`,
    );
    assert.equal(acquireLock(file), undefined);
    child.kill('SIGKILL');
    const lock = await until('the kernel gave it back', () => acquireLock(file));
    lock.release();
  });
});

describe('the identity of a process', () => {
  it('is lost with it, whatever its pid becomes', async () => {
    const { child } = await inOtherProcess(`console.log('here'); setInterval(() => {}, 1000);`);
    const identity = identify(child.pid ?? 0);
    assert.ok(identity && isAlive(identity));
    assert.ok(
      !isAlive({ ...identity, started: `${identity.started}0` }),
      'the same pid, started at another time',
    );
    child.kill('SIGKILL');
    await until('it is gone', () => !isAlive(identity));
  });
});

describe('the fleet secret', () => {
  it('is random, long, and in a file of mode 600', () => {
    const file = join(fresh(), 'secret');
    const first = establishSecret(file, undefined);
    assert.match(first, /^[A-Za-z0-9_-]{43}$/);
    chmodSync(file, 0o644);
    const second = establishSecret(file, '');
    assert.notEqual(second, first);
    assert.equal(readSecret(file), second);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('can be given, if it is long enough and printable', () => {
    const file = join(fresh(), 'secret');
    assert.equal(establishSecret(file, 'sixteen-letters!'), 'sixteen-letters!');
    for (const bad of ['fifteen-letters', 'with a space in it', 'with-a-newline\n-in-it']) {
      assert.throws(
        () => establishSecret(file, bad),
        (error) =>
          error instanceof Failure && error.code === 'invalid_configuration' && !error.message.includes(bad),
      );
    }
  });
});

describe('the record of a run', () => {
  it('comes back as it was written, and private', () => {
    const file = join(fresh(), 'fleet.json');
    const record = {
      name: 'shop',
      config: '/shop/flotilla.config.ts',
      supervisor: { pid: 1, started: 'x' },
      children: [{ pid: 2, started: 'y' }],
      socket: '/run/control.sock',
      urls: { control: 'unix:/run/control.sock' },
    };
    writeRecord(file, record);
    assert.deepEqual(readRecord(file), record);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('is nothing when it is missing or torn', () => {
    const file = join(fresh(), 'fleet.json');
    assert.equal(readRecord(file), undefined);
    for (const text of ['', '{', '{}', '[]', 'null', '{"supervisor":{"pid":"1"}}']) {
      writeFileSync(file, text);
      assert.equal(readRecord(file), undefined, text);
    }
  });
});

describe('which fleet a command talks to', () => {
  it('is the one named by flag, then by environment, then by configuration', () => {
    const cwd = fresh();
    rememberCurrent(cwd, { data: '/last', config: '/last.ts' });
    const env = { FLOTILLA_DATA: 'env' };
    assert.equal(whichFleet({ data: 'flag', config: 'x/c.ts' }, env, cwd).data, join(cwd, 'flag'));
    assert.equal(whichFleet({ config: 'x/c.ts' }, env, cwd).data, join(cwd, 'env'));
    assert.equal(whichFleet({ config: 'x/c.ts' }, {}, cwd).data, join(cwd, 'x', '.flotilla'));
  });

  it('is otherwise the last one started from here, then the one configured here', () => {
    const cwd = fresh();
    assert.throws(
      () => whichFleet({}, {}, cwd),
      (error) =>
        error instanceof Failure && error.code === 'not_running' && /--data/.test(error.repair ?? ''),
    );
    writeFileSync(join(cwd, 'flotilla.config.ts'), '');
    assert.equal(whichFleet({}, {}, cwd).data, join(cwd, '.flotilla'));
    rememberCurrent(cwd, { data: '/elsewhere', config: '/x.ts' });
    assert.equal(whichFleet({}, {}, cwd).data, '/elsewhere');
  });

  it('stays the same beside a second one while it runs', () => {
    const cwd = fresh();
    const layout = layoutOf(join(cwd, 'first'));
    createLayout(layout);
    const supervisor = identify(process.pid) ?? assert.fail();
    const record = { name: 'x', config: '/c.ts', children: [], socket: '/s', urls: { control: 'unix:/s' } };
    writeRecord(layout.recordFile, { ...record, supervisor });
    rememberCurrent(cwd, { data: layout.root, config: '/c.ts' });
    rememberCurrent(cwd, { data: '/second', config: '/c.ts' });
    assert.equal(whichFleet({}, {}, cwd).data, layout.root);
    writeRecord(layout.recordFile, { ...record, supervisor: { pid: process.pid, started: 'before' } });
    rememberCurrent(cwd, { data: '/second', config: '/c.ts' });
    assert.equal(whichFleet({}, {}, cwd).data, '/second');
  });

  it('is remembered without harm where nothing can be written', () => {
    const file = join(fresh(), 'file');
    writeFileSync(file, 'untouched');
    rememberCurrent(file, { data: '/x', config: '/y' });
    assert.equal(readFileSync(file, 'utf8'), 'untouched');
    assert.ok(!existsSync(join(file, '.flotilla')));
  });
});
