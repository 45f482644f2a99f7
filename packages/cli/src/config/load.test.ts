import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Failure } from '../failure.ts';
import { loadFleet } from './load.ts';
import { FleetConfigError } from './problem.ts';

describe('loading the configuration file', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'flotilla-load-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  function write(name: string, text: string): string {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  }

  function withFleet(config: string): string {
    return `import { fleet } from '${new URL('../index.ts', import.meta.url).href}';\nexport default fleet(${config});\n`;
  }

  async function failure(file: string | undefined): Promise<Failure> {
    try {
      await loadFleet(file, directory);
    } catch (error) {
      assert.ok(error instanceof Failure, String(error));
      return error;
    }
    assert.fail('it was accepted');
  }

  it('finds flotilla.config.ts in the working directory and knows where entries are', async () => {
    write('service.ts', '');
    const file = write(
      'flotilla.config.ts',
      withFleet(`{ name: 'shop', services: { a: { entry: './service.ts' } } }`),
    );
    const loaded = await loadFleet(undefined, directory);
    assert.equal(loaded.file, file);
    assert.equal(loaded.directory, directory);
    assert.equal(loaded.fleet.name, 'shop');
  });

  it('says what to do when there is none', async () => {
    const empty = mkdtempSync(join(directory, 'empty-'));
    const error = await failure(join(empty, 'nothing.ts'));
    assert.match(error.message, /nothing\.ts does not exist/);
    assert.match(error.repair ?? '', /--config/);
    await assert.rejects(loadFleet(undefined, empty), /there is no flotilla\.config\.ts in/);
    assert.match((await failure(empty)).message, /there is no flotilla\.config\.ts in/);
  });

  it('gives the cause when the file throws, with its place', async () => {
    const error = await failure(write('throws.ts', `\nthrow new Error('no licence');\n`));
    assert.equal(error.code, 'invalid_configuration');
    assert.match(error.message, /throws\.ts cannot be loaded: no licence \(at .*throws\.ts:2:/);
  });

  it('gives the cause when the file does not parse or imports what is not there', async () => {
    assert.match(
      (await failure(write('syntax.ts', 'export default {'))).message,
      /syntax\.ts cannot be loaded/,
    );
    const missing = await failure(write('missing.ts', `import './not-there.ts'; export default {};`));
    assert.match(missing.repair ?? '', /check its imports/);
  });

  it('asks for a default export', async () => {
    assert.match(
      (await failure(write('named.ts', 'export const fleet = {};'))).message,
      /has no default export/,
    );
  });

  it('lists entries that do not exist beside what fleet() rejected', async () => {
    const error = await failure(
      write('wrong.ts', withFleet(`{ name: 'shop', services: { a: { entry: './gone.ts', after: ['b'] } } }`)),
    );
    assert.ok(error instanceof FleetConfigError);
    assert.deepEqual(
      error.problems.map((problem) => problem.path),
      ['services.a.after.0', 'services.a.entry'],
    );
    assert.match(error.message, /gone\.ts does not exist/);
  });

  it('accepts a plain object, and checks it all the same', async () => {
    const error = await failure(
      write('plain.ts', `export default { name: 'x', services: { a: { entry: '.' } } };`),
    );
    assert.match(error.message, /services\.a\.entry: .* is not a file/);
  });
});
