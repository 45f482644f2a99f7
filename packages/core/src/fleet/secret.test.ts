import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { deriveKey, deriveToken, readSecret, sameToken } from './secret.ts';

const secret = 'a-secret-of-the-fleet';

test('each purpose has a key of its own, the same each time', () => {
  const purposes = ['wire', 'broker', 'admin', 'control'] as const;
  const tokens = purposes.map((purpose) => deriveToken(secret, purpose));
  assert.equal(new Set(tokens).size, purposes.length);
  assert.deepEqual(
    tokens,
    purposes.map((purpose) => deriveToken(secret, purpose)),
  );
  assert.ok(tokens.every((token) => /^[\w-]{43}$/.test(token) && !token.includes(secret)));
  assert.equal(deriveKey(secret, 'wire').length, 32);
  assert.notEqual(deriveToken(`${secret}.`, 'wire'), tokens[0]);
});

test('tokens are compared whole', () => {
  assert.ok(sameToken('abc', 'abc'));
  assert.ok(!sameToken('abc', 'abd'));
  assert.ok(!sameToken('', 'abc'));
  assert.ok(!sameToken('abcabc', 'abc'));
});

test('the secret comes from a file or the environment, and a bad one says what to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-secret-'));
  const file = join(folder, 'secret');
  writeFileSync(file, `${secret}\n`);
  assert.equal(readSecret({ FLOTILLA_SECRET_FILE: file }), secret);
  assert.equal(readSecret({ FLOTILLA_SECRET: secret }), secret);
  assert.throws(() => readSecret({}), { code: 'unauthenticated', message: /flotilla up/ });
  assert.throws(() => readSecret({ FLOTILLA_SECRET: 'short' }), { message: /at least 16/ });
  assert.throws(() => readSecret({ FLOTILLA_SECRET_FILE: join(folder, 'none') }), {
    message: /is the fleet running/,
  });
  rmSync(folder, { recursive: true });
});
