import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../failure.ts';
import { parseFleet } from './fleet.ts';
import { resolveSettings } from './settings.ts';

const configured = parseFleet({
  name: 'shop',
  services: {},
  gateway: { port: 1111 },
  broker: { port: 2222 },
});
const bare = parseFleet({ name: 'shop', services: {} });

describe('settings', () => {
  it('have defaults', () => {
    const settings = resolveSettings(bare, '/shop/flotilla.config.ts', {}, {}, '/cwd');
    assert.deepEqual(settings, {
      gatewayPort: 8080,
      brokerPort: 8422,
      host: '127.0.0.1',
      data: '/shop/.flotilla',
      natsUrl: undefined,
    });
  });

  it('come from a flag before the environment before the configuration', () => {
    const env = { FLOTILLA_GATEWAY_PORT: '3333', FLOTILLA_BROKER_PORT: '', FLOTILLA_DATA: 'there' };
    const from = (flags: object, environment: object) => {
      const { gatewayPort, brokerPort, data } = resolveSettings(
        configured,
        '/shop/c.ts',
        flags,
        { ...environment },
        '/cwd',
      );
      return [gatewayPort, brokerPort, data];
    };
    assert.deepEqual(from({}, {}), [1111, 2222, '/shop/.flotilla']);
    assert.deepEqual(from({}, env), [3333, 2222, '/cwd/there']);
    assert.deepEqual(from({ gatewayPort: '4444', data: '/data' }, env), [4444, 2222, '/data']);
    assert.deepEqual(from({ gatewayPort: '0' }, env), [0, 2222, '/cwd/there']);
  });

  it('refuse what is no port, naming where it came from', () => {
    for (const port of ['65536', '-1', '80a', '8080.5', ' 1']) {
      assert.throws(
        () => resolveSettings(bare, '/c.ts', {}, { FLOTILLA_BROKER_PORT: port }, '/'),
        (error) =>
          error instanceof Failure && error.code === 'usage' && /FLOTILLA_BROKER_PORT/.test(error.message),
        port,
      );
    }
  });
});
