import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type Logger, silentLogger } from 'flotilla';
import { contractStore } from './contract-store.ts';
import { shop } from './testing/shop.ts';

const directory = await mkdtemp(join(tmpdir(), 'gateway-'));
after(() => rm(directory, { recursive: true }));
const warnings: string[] = [];
const log: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };

describe('stored contracts', () => {
  it('are the last that were saved', async () => {
    const store = contractStore(join(directory, 'a', 'b'), log);
    assert.deepEqual(await store.load(), []);
    await Promise.all([store.save([]), store.save([shop, shop]), store.save([shop])]);
    assert.deepEqual(await contractStore(join(directory, 'a', 'b'), log).load(), [shop]);
    assert.deepEqual(await readdir(join(directory, 'a', 'b')), ['contracts.json']);
  });

  it('that are damaged are reported and passed over', async () => {
    for (const text of ['{', '[]', '{"contracts":[{}]}', '']) {
      await writeFile(join(directory, 'contracts.json'), text);
      warnings.length = 0;
      assert.deepEqual(await contractStore(directory, log).load(), []);
      assert.equal(warnings.length, 1, text);
    }
  });

  it('that cannot be saved cost a warning', async () => {
    await writeFile(join(directory, 'file'), '');
    warnings.length = 0;
    await contractStore(join(directory, 'file'), log).save([shop]);
    assert.equal(warnings.length, 1);
  });
});
