import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokerError } from './broker-error.ts';
import { authenticator } from './credentials.ts';

const nothing = { authToken: '', user: '', pass: '' };

test('any of several credentials is accepted, and nothing else', () => {
  const auth = authenticator(
    [{ token: 'old' }, { token: 'new' }, { user: 'ann', password: 'secret' }],
    false,
  );
  assert.equal(auth.required, true);
  for (const authToken of ['old', 'new']) assert.equal(auth.accepts({ ...nothing, authToken }), true);
  assert.equal(auth.accepts({ ...nothing, user: 'ann', pass: 'secret' }), true);
  const wrong = [
    nothing,
    { ...nothing, authToken: 'ol' },
    { ...nothing, authToken: 'secret' },
    { ...nothing, user: 'ann' },
    { ...nothing, user: 'ann', pass: 'old' },
    { ...nothing, user: 'old' },
    { ...nothing, user: 'annsecret' },
  ];
  for (const presented of wrong) assert.equal(auth.accepts(presented), false, JSON.stringify(presented));
});

test('serving anyone has to be asked for', () => {
  assert.throws(
    () => authenticator([], false),
    (error) =>
      error instanceof BrokerError && error.code === 'credentials_missing' && /noAuth/.test(error.repair),
  );
  assert.deepEqual(
    [authenticator([], true).required, authenticator([], true).accepts(nothing)],
    [false, true],
  );
});

test('credentials that could never protect anything are refused', () => {
  for (const credentials of [[{ token: '' }], [{ user: 'a', password: '' }], [{ user: '', password: 'b' }]]) {
    assert.throws(() => authenticator(credentials, false), { code: 'invalid_option' });
  }
  assert.throws(() => authenticator([{ token: 'a' }], true), { code: 'invalid_option' });
});
