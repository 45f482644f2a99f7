import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlotillaError } from 'flotilla';
import { parseGatewayConfig, readEnvironment } from './config.ts';

const problem = (read: () => unknown): string => {
  let message = '';
  assert.throws(read, (error: FlotillaError) => {
    message = error.message;
    return error.code === 'invalid_argument';
  });
  return message;
};

describe('the configuration', () => {
  it('has a default for everything', () => {
    const { limits, heartbeatMs, deadlineMs, auth } = parseGatewayConfig({});
    assert.deepEqual(
      [limits.bodyBytes, heartbeatMs, deadlineMs, auth],
      [1_048_576, 15_000, 10_000, undefined],
    );
  });

  it('is refused with all that is wrong at once', () => {
    const message = problem(() =>
      parseGatewayConfig({
        auth: { issuer: '', audience: 'a', keys: 'nonsense' },
        limits: { bodyByte: 1 },
        deadlineMs: -1,
      }),
    );
    for (const part of ['gateway.auth.issuer', 'gateway.auth.keys', 'bodyByte', 'gateway.deadlineMs']) {
      assert.ok(message.includes(part), `${part} in: ${message}`);
    }
  });

  it('comes from the environment', () => {
    const read = readEnvironment({
      FLOTILLA_GATEWAY_CONFIG: '{"auth":{"issuer":"i","audience":"a","keys":"identity.keys"}}',
      FLOTILLA_GATEWAY_PORT: '9090',
      FLOTILLA_HOST: '0.0.0.0',
      FLOTILLA_DATA: '/data',
      FLOTILLA_GATEWAY_EXPECT: 'ledger,risk',
    });
    assert.equal(read.config.auth?.keys, 'identity.keys');
    assert.deepEqual(
      [read.port, read.host, read.dataDirectory, read.expect],
      [9090, '0.0.0.0', '/data', ['ledger', 'risk']],
    );
    const bare = readEnvironment({});
    assert.deepEqual(
      [bare.port, bare.host, bare.dataDirectory, bare.expect],
      [8080, '127.0.0.1', undefined, []],
    );
  });

  it('in the environment is refused by the variable that is wrong', () => {
    assert.match(
      problem(() => readEnvironment({ FLOTILLA_GATEWAY_PORT: '99999' })),
      /FLOTILLA_GATEWAY_PORT/,
    );
    assert.match(
      problem(() => readEnvironment({ FLOTILLA_GATEWAY_CONFIG: '{' })),
      /FLOTILLA_GATEWAY_CONFIG/,
    );
  });
});
