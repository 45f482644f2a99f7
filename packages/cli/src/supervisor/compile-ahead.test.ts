import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { closedCompilers } from 'flotilla/idle-process';

const run = promisify(execFile);
const SELF = fileURLToPath(new URL('./compile-ahead.ts', import.meta.url));

describe('compiling ahead', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-compile-'));
  const entry = join(directory, 'service.ts');
  const ran = join(directory, 'ran');
  const env = { ...process.env, NODE_COMPILE_CACHE: join(directory, 'cache') };
  before(() => {
    writeFileSync(
      entry,
      `import { writeFileSync } from 'node:fs';\nimport { name } from './part.ts';\nwriteFileSync(name as string, '');\n`,
    );
    writeFileSync(join(directory, 'part.ts'), `export const name: string = ${JSON.stringify(ran)};\n`);
    writeFileSync(
      join(directory, 'flotilla.config.mjs'),
      `export default { name: 'test', services: { a: { entry: './service.ts' } } };`,
    );
  });
  after(() => rmSync(directory, { recursive: true }));

  /** Whether a process that imports the entry needs the compiler of TypeScript. */
  async function needsCompiler(): Promise<boolean> {
    const script = `await import(${JSON.stringify(pathToFileURL(entry).href)});
      console.log(process.moduleLoadList.some((name) => name.includes('amaro')));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env });
    return stdout.trim() === 'true';
  }

  it('runs nothing of a service, and leaves it compiled', async () => {
    await run(process.execPath, [SELF, 'processes', '--config', 'flotilla.config.mjs'], {
      cwd: directory,
      env,
    });
    assert.equal(existsSync(ran), false);
    assert.equal(await needsCompiler(), false);
    assert.equal(existsSync(ran), true);
  });

  it('has the compiler needed without it, or the test above would show nothing', async () => {
    env.NODE_COMPILE_CACHE = join(directory, 'another');
    assert.equal(await needsCompiler(), true);
  });

  it('says that it is done, unless something was wrong with the configuration', async () => {
    for (const [config, done] of [
      ['gone.mjs', false],
      ['flotilla.config.mjs', true],
    ] as const) {
      env.NODE_COMPILE_CACHE = join(directory, `cache of ${config}`);
      // Node keeps what was compiled under other options apart: it is started as the command is.
      const args = [...closedCompilers, SELF, 'command', '--config', config];
      await run(process.execPath, args, { cwd: directory, env });
      const [version = '', ...more] = readdirSync(env.NODE_COMPILE_CACHE).sort();
      assert.deepEqual(more, done ? [`${version}.done`] : []);
      assert.ok(readdirSync(join(env.NODE_COMPILE_CACHE, version)).length > 100);
    }
  });
});
