/** The published packages, used as a stranger would: installed into an empty folder, with the fleet of the README. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { waitFor } from 'flotilla/testing';
import { pack } from '../scripts/pack.ts';

const root = resolve(import.meta.dirname, '..');
const run = promisify(execFile);

interface Ready {
  readonly type: 'ready';
  readonly pid: number;
  readonly urls: { readonly gateway: string };
  readonly instances: readonly {
    readonly service: string;
    readonly instance: string;
    readonly pid: number;
  }[];
}

/** The code blocks of the README that begin with a comment naming a file. */
function filesOfReadme(): Map<string, string> {
  const readme = readFileSync(join(root, 'packages/core/README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```ts\n(\/\/ (\S+\.ts)\n[\s\S]*?)^```$/gm)];
  return new Map(blocks.map(([, text, path]) => [path!, text!]));
}

/** What a shell in an empty folder would have: nothing of this run or this workspace, except its Node. */
function environment(): NodeJS.ProcessEnv {
  const ours = /^(FLOTILLA_|EXCHANGE_|NATS_URL$|DATABASE_URL$|NODE_(TEST_CONTEXT|OPTIONS|PATH)$|INIT_CWD$)/;
  const ofNpm = /^npm_(package|lifecycle|command|node_execpath|config_local_prefix|config_prefix)/;
  const inherited = Object.entries(process.env).filter(([name]) => !ours.test(name) && !ofNpm.test(name));
  const search = [dirname(process.execPath), process.env.PATH].join(delimiter);
  return { ...Object.fromEntries(inherited), PATH: search, NO_COLOR: '1' };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the packages, packed and installed into an empty folder', () => {
  let folder: string;
  let fleet: ChildProcess | undefined;
  let ready: Ready;
  let talk = '';

  const flotilla = (...args: string[]) =>
    run(process.execPath, ['node_modules/.bin/flotilla', ...args, '--data', 'data'], {
      cwd: folder,
      env: environment(),
    });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'flotilla-packages-'));
    const tarballs = pack(join(folder, 'tarballs'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    await run(
      'npm',
      [
        'install',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        '@types/node@26.6.6',
        'zod@4.6.7',
        ...tarballs,
      ],
      {
        cwd: folder,
        env: environment(),
      },
    );
    for (const [path, text] of filesOfReadme()) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  });

  after(async () => {
    if (fleet?.exitCode === null) {
      const exited = new Promise((resolve) => fleet?.once('exit', resolve));
      fleet.kill('SIGTERM');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('contain what is built, and no source, test or link to this workspace', async () => {
    for (const name of ['flotilla', '@flotilla/broker', '@flotilla/gateway', '@flotilla/cli']) {
      const { stdout } = await run('find', [join('node_modules', name), '-not', '-type', 'd'], {
        cwd: folder,
      });
      const files = stdout.trim().split('\n');
      const foreign = files.filter(
        (file) => !/\/(dist\/.*\.(js|d\.ts)|bin\/flotilla\.js|package\.json|README\.md|LICENSE)$/.test(file),
      );
      assert.deepEqual(foreign, []);
      assert.deepEqual(
        files.filter((file) => /\.test\.|\.types\./.test(file)),
        [],
      );
      for (const file of ['dist/index.js', 'dist/index.d.ts', 'LICENSE', 'README.md']) {
        assert.ok(files.includes(join('node_modules', name, file)), `${name} lacks ${file}`);
      }
    }
  });

  it('type the fleet of the README', async () => {
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...{ strict: true, noEmit: true, module: 'nodenext', target: 'es2024', types: ['node'] },
          ...{ lib: ['es2024', 'esnext.disposable', 'esnext.iterator'], allowImportingTsExtensions: true },
        },
      }),
    );
    const misuse = join(folder, 'misuse.ts');
    writeFileSync(
      misuse,
      `import { Prices } from './prices/contract.ts';
       // @ts-expect-error an undeclared code
       Prices.quote.error('no_such_code', {});`,
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '--project', folder], { cwd: folder }).catch(({ stdout }) =>
      assert.fail(stdout),
    );
    rmSync(misuse);
  });

  it('start the fleet', async () => {
    assert.equal(filesOfReadme().size, 5);
    const child = spawn(
      process.execPath,
      [
        'node_modules/.bin/flotilla',
        'up',
        '--json',
        '--data',
        'data',
        '--gateway-port',
        '0',
        '--broker-port',
        '0',
      ],
      { cwd: folder, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    fleet = child;
    let out = '';
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (talk += text));
    ready = await waitFor(
      () => {
        assert.equal(child.exitCode, null, talk);
        const line = out.split('\n').find((text) => text.includes('"type":"ready"'));
        return line === undefined ? undefined : (JSON.parse(line) as Ready);
      },
      { timeoutMs: 60_000, what: 'the fleet to be ready' },
    ).catch((error) => assert.fail(`${error}\n${out}\n${talk}`));
    const services = ready.instances.map(({ service }) => service).sort();
    assert.deepEqual(services, ['broker', 'gateway', 'orders', 'prices', 'prices']);
  });

  it('answer a call through the gateway that needs both services', async () => {
    const place = async (body: object) => {
      const response = await fetch(new URL('/v1/orders', ready.urls.gateway), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    assert.deepEqual(await place({ item: 'tea', quantity: 2 }), {
      status: 201,
      body: { item: 'tea', totalCents: 640 },
    });
    const refused = await place({ item: 'gold', quantity: 1 });
    assert.deepEqual([refused.status, refused.body.code], [422, 'not_sold'], JSON.stringify(refused.body));
    assert.equal((await place({ item: 'tea', quantity: 0 })).status, 400);
  });

  it('answer `flotilla call` and `flotilla ps`', async () => {
    const { stdout } = await flotilla('call', 'orders.place', '{"item":"coffee","quantity":3}');
    assert.deepEqual(JSON.parse(stdout), { item: 'coffee', totalCents: 1350 });
    const processes = JSON.parse((await flotilla('ps', '--json')).stdout) as {
      service: string;
      state: string;
    }[];
    assert.equal(
      processes.filter(({ service, state }) => service === 'prices' && state === 'ready').length,
      2,
    );
  });

  it('stop cleanly and leave nothing running', async () => {
    const pids = [ready.pid, ...ready.instances.map(({ pid }) => pid)];
    assert.ok(pids.every(alive));
    const exited = new Promise((resolve) => fleet?.once('exit', (code, signal) => resolve({ code, signal })));
    await flotilla('stop');
    assert.deepEqual(await exited, { code: 0, signal: null }, talk);
    assert.deepEqual(pids.filter(alive), []);
  });
});
