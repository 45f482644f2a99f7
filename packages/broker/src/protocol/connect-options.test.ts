import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialConnectOptions, readConnect } from './connect-options.ts';

const before = initialConnectOptions();

test('a client that says nothing is verbose and pedantic, gets its own messages and knows no headers', () => {
  const { verbose, pedantic, echo, headers, noResponders, protocol } = before;
  assert.deepEqual(
    { verbose, pedantic, echo, headers, noResponders, protocol },
    { verbose: true, pedantic: true, echo: true, headers: false, noResponders: false, protocol: 0 },
  );
});

test('options are read by name without regard to case; unknown names and null are ignored', () => {
  const options = readConnect('{"VERBOSE":false,"No_Responders":true,"echo":null,"tls_required":1}', before);
  assert.deepEqual(options, { ...before, verbose: false, noResponders: true });
});

test('a later CONNECT changes only what it names', () => {
  const first = readConnect('{"headers":true,"name":"a"}', before)!;
  assert.deepEqual(readConnect('{"name":"b"}', first), { ...first, name: 'b' });
  assert.deepEqual(readConnect('null', first), first);
});

test('what is not a JSON object, or has a value of the wrong kind, is refused', () => {
  for (const json of [
    '',
    '{',
    '[]',
    '"x"',
    '1',
    '{} x',
    '{"verbose":"x"}',
    '{"protocol":"1"}',
    '{"protocol":1.5}',
  ]) {
    assert.equal(readConnect(json, before), undefined, json);
  }
});

test('names that every object inherits are not options', () => {
  assert.deepEqual(
    readConnect('{"constructor":1,"__proto__":{"verbose":false},"toString":2}', before),
    before,
  );
});
