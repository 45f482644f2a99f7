import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { isPlatformCode, platformCodes } from './platform-codes.ts';

describe('the platform codes', () => {
  it('are those of docs/errors.md, with the same HTTP status and retryability', () => {
    const text = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `(\w+)` \| (\d{3}) \| (yes|no) \| (.+) \| (.+) \|$/gm)];
    const documented = rows.map(([, code, status, retryable]) => ({
      code,
      httpStatus: Number(status),
      retryable: retryable === 'yes',
    }));
    const actual = Object.entries(platformCodes).map(([code, { httpStatus, retryable }]) => ({
      code,
      httpStatus,
      retryable,
    }));
    assert.deepEqual(documented, actual);
    for (const [row, code, , , meaning, repair] of rows) {
      assert.ok(meaning!.length > 20 && repair!.length > 10, row);
      assert.equal(text.match(new RegExp(`^\\| \`${code}\``, 'gm'))?.length, 1);
    }
  });

  it('have a status that HTTP reserves for failures, and a title', () => {
    for (const [code, { httpStatus, title }] of Object.entries(platformCodes)) {
      assert.ok(httpStatus >= 400 && httpStatus <= 599, code);
      assert.match(title, /^[A-Z][a-z ]+$/);
      assert.match(code, /^[a-z]+(_[a-z]+)*$/);
    }
  });

  it('are told from declared codes and from names that every object has', () => {
    assert.ok(isPlatformCode('not_found'));
    for (const code of ['insufficient_funds', 'toString', '__proto__', ''])
      assert.equal(isPlatformCode(code), false);
  });
});
