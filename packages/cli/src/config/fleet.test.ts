import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fleet, parseFleet } from './fleet.ts';
import { FleetConfigError } from './problem.ts';
import type { FleetConfig } from './schema.ts';

function problemsOf(config: unknown): Record<string, string> {
  try {
    parseFleet(config);
  } catch (error) {
    assert.ok(error instanceof FleetConfigError);
    for (const { path, message, repair } of error.problems) {
      assert.ok(error.message.includes(`${path === '' ? '(whole)' : path}: ${message}; ${repair}`));
    }
    return Object.fromEntries(error.problems.map(({ path, message }) => [path, message]));
  }
  return {};
}

describe('fleet()', () => {
  it('fills in the defaults', () => {
    const parsed = fleet({ name: 'shop', services: { stock: { entry: './stock.ts' } } });
    assert.deepEqual(parsed.services.stock, { entry: './stock.ts', replicas: 1, after: [], env: {} });
    assert.deepEqual(parsed.gateway, { env: {} });
  });

  it('passes on the settings of the gateway that it does not know', () => {
    const auth = { issuer: 'shop', audience: 'shop', keys: 'identity.keys' };
    const parsed = fleet({ name: 'shop', services: {}, gateway: { auth, port: 9000 } });
    assert.deepEqual(parsed.gateway, { auth, port: 9000, env: {} });
  });

  it('does not compile with a misspelt setting of a service, the gateway or the broker', () => {
    const accept = (config: FleetConfig): string => config.name;
    const auth = { issuer: 'x', audience: 'x', keys: 'a.b' };
    accept({ name: 'shop', services: { stock: { entry: 'x', replicas: 2 } }, gateway: { auth, port: 1 } });
    // @ts-expect-error replica
    accept({ name: 'shop', services: { stock: { entry: 'x', replica: 2 } } });
    // @ts-expect-error isuer
    accept({ name: 'shop', services: {}, gateway: { auth: { ...auth, isuer: '' } } });
    // @ts-expect-error maxPayloads
    accept({ name: 'shop', services: {}, broker: { limits: { maxPayloads: 1 } } });
  });

  it('can do without a gateway', () => {
    assert.equal(fleet({ name: 'shop', services: {}, gateway: false }).gateway, false);
  });

  it('lists every problem at once, each with its path', () => {
    const problems = problemsOf({
      name: 'Shop',
      services: {
        stock: { entry: './stock.ts', replica: 2, after: ['nobody'] },
        orders: { replicas: 0, env: { LIST: [] } },
        gateway: { entry: 'x' },
        'Upper Case': { entry: 'x' },
      },
      broker: { port: 70_000 },
      colour: 'red',
    });
    assert.deepEqual(Object.keys(problems).sort(), [
      'broker.port',
      'colour',
      'name',
      'services.Upper Case',
      'services.gateway',
      'services.orders.entry',
      'services.orders.env.LIST',
      'services.orders.replicas',
      'services.stock.after.0',
      'services.stock.replica',
    ]);
    assert.equal(problems['services.stock.replica'], 'is not a known setting');
    assert.equal(problems['services.orders.replicas'], 'must be at least 1');
    assert.equal(problems['services.stock.after.0'], 'there is no service "nobody"');
  });

  it('names the way round a cycle', () => {
    const problems = problemsOf({
      name: 'shop',
      services: {
        a: { entry: 'x', after: ['c'] },
        b: { entry: 'x', after: ['a'] },
        c: { entry: 'x', after: ['b'] },
        d: { entry: 'x', after: ['d'] },
      },
    });
    assert.equal(problems['services.a.after'], 'waits for itself: a → c → b → a');
    assert.equal(problems['services.d.after'], 'waits for itself: d → d');
  });

  it('says that every service starts after the broker anyway', () => {
    const problems = problemsOf({ name: 'shop', services: { a: { entry: 'x', after: ['broker'] } } });
    assert.equal(problems['services.a.after.0'], 'every service already starts after the broker');
  });

  it('refuses what is no configuration at all', () => {
    for (const value of [undefined, null, 7, 'fleet', []]) {
      assert.notDeepEqual(problemsOf(value), {}, JSON.stringify(value));
    }
  });
});
