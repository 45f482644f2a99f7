import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeDirectory } from './make-directory.ts';

describe('a directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-make-'));
  after(() => rmSync(folder, { recursive: true }));

  it('is made with all above it, and left as it is when it is there', () => {
    const path = join(folder, 'a', 'b');
    makeDirectory(path, 0o700);
    makeDirectory(path, 0o755);
    for (const part of [path, join(folder, 'a')]) assert.equal(statSync(part).mode & 0o777, 0o700);
  });

  it('is not made below a file', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    assert.throws(() => makeDirectory(join(file, 'below'), 0o700), { code: 'ENOTDIR' });
  });

  it('is not tried for ever in a file system that makes none', { skip: !existsSync('/proc/self') }, () => {
    assert.throws(() => makeDirectory('/proc/nowhere/below', 0o700), { code: 'ENOENT' });
  });
});
