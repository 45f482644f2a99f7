import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTcpAddress, parseAddress } from './address.ts';

describe('wire address', () => {
  it('reads TCP and Unix addresses', () => {
    assert.deepEqual(parseAddress('tcp://127.0.0.1:0'), { kind: 'tcp', host: '127.0.0.1', port: 0 });
    assert.deepEqual(parseAddress('tcp://[::1]:65535'), { kind: 'tcp', host: '::1', port: 65535 });
    assert.deepEqual(parseAddress('tcp://ledger-1.local:80'), {
      kind: 'tcp',
      host: 'ledger-1.local',
      port: 80,
    });
    assert.deepEqual(parseAddress('unix:/run/ledger 1.sock'), { kind: 'unix', path: '/run/ledger 1.sock' });
  });

  it('writes what it reads', () => {
    for (const text of ['tcp://127.0.0.1:4222', 'tcp://[::1]:1']) {
      const address = parseAddress(text);
      assert.ok(address.kind === 'tcp');
      assert.equal(formatTcpAddress(address.host, address.port), text);
    }
  });

  for (const text of [
    '',
    '127.0.0.1:80',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:65536',
    'tcp://user@host:1',
    'tcp://host:1/path',
    'tcp://::1:80',
    'unix:relative.sock',
    `unix:/${'x'.repeat(110)}`,
  ]) {
    it(`refuses "${text.slice(0, 40)}" with the way to write it`, () => {
      assert.throws(() => parseAddress(text), {
        code: 'invalid_argument',
        message: /tcp:\/\/|unix:|directory/,
      });
    });
  }
});
