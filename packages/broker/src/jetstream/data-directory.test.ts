import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { BrokerError } from '../broker-error.ts';
import { prepareDataDirectory } from './data-directory.ts';

describe('a data directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-directory-'));
  after(() => rmSync(folder, { recursive: true }));

  const refused = (path: string, reason: RegExp) =>
    assert.throws(
      () => prepareDataDirectory(path),
      (error) =>
        error instanceof BrokerError && error.code === 'data_not_permitted' && reason.test(error.message),
      path,
    );

  it('is made with all above it, for its owner alone, and left as it is when it is there', () => {
    const path = join(folder, 'a', 'b', 'c');
    prepareDataDirectory(path);
    prepareDataDirectory(path);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o700);
  });

  it('is refused where none can be', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    symlinkSync(join(folder, 'nowhere', 'at', 'all'), join(folder, 'dangling'));
    refused(file, /it is not a directory/);
    refused(join(file, 'below'), /ENOTDIR/);
    refused(join(folder, 'dangling'), /ENOENT/);
    refused(join(folder, 'dangling', 'below'), /ENOENT/);
  });

  it('is refused and not tried for ever in a file system that makes none', {
    skip: !existsSync('/proc/self'),
  }, () => {
    refused('/proc/nowhere', /cannot be made/);
    refused('/proc/nowhere/below', /cannot be made/);
  });
});
