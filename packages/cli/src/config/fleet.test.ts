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

  it('takes the time of liveness as text or in milliseconds, for the fleet and for a service', () => {
    const parsed = parseFleet({
      name: 'shop',
      services: {
        a: { entry: 'x', liveness: { timeout: '1m' } },
        b: { entry: 'x', liveness: false },
        c: { entry: 'x' },
      },
      liveness: { timeout: 8_000 },
    });
    assert.deepEqual(
      [parsed.liveness, ...Object.values(parsed.services).map((service) => service.liveness)],
      [{ timeout: 8_000 }, { timeout: 60_000 }, false, undefined],
    );
    assert.deepEqual(parseFleet(parsed), parsed, 'what was parsed can be parsed again');
    assert.deepEqual(parseFleet({ name: 'shop', services: {} }).liveness, { timeout: 5_000 });
  });

  it('refuses a liveness that would kill what is merely slow, or is none', () => {
    const problems = problemsOf({
      name: 'shop',
      services: {
        a: { entry: 'x', liveness: { timeout: '200ms' } },
        b: { entry: 'x', liveness: true },
        c: { entry: 'x', liveness: { timeout: '5s', interval: 1 } },
      },
    });
    assert.deepEqual(problems, {
      'services.a.liveness.timeout': 'must be a time of at least one second',
      'services.b.liveness': 'must be an object with a timeout, or false to never replace silent processes',
      'services.c.liveness.interval': 'is not a known setting',
    });
  });

  it('takes policies by selector, and allows faults only when told to', () => {
    const policies = { '*': { waitMs: 5_000 }, 'gateway->a.sell': { retry: { attempts: 1 } } };
    const services = { a: { entry: 'x' } };
    const parsed = parseFleet({ name: 'shop', services, policies, faults: true });
    assert.deepEqual([parsed.policies, parsed.faults], [policies, true]);
    const { policies: none, faults } = parseFleet({ name: 'shop', services });
    assert.deepEqual([none, faults], [{}, false]);
  });

  it('says of policies what is no selector, no service, no setting and no value', () => {
    const policies = {
      'a b': {},
      'nobody->a': {},
      'a.sell': { retry: { attempts: 0, budgte: 1 }, balancing: 'sticky', waitMs: '3s' },
      b: { retries: 1 },
    };
    const problems = problemsOf({ name: 'shop', services: { a: { entry: 'x' } }, policies, faults: 'yes' });
    assert.deepEqual(problems, {
      'policies.a b':
        'the name "a b" is not a selector: use *, <service>, <service>.<operation>, or <caller>-> before one of these',
      'policies.a.sell.retry.attempts': 'must be at least 1',
      'policies.a.sell.retry.budgte': 'is not a known setting',
      'policies.a.sell.balancing': 'is not one of its values',
      'policies.a.sell.waitMs': 'must be a number',
      'policies.b.retries': 'is not a known setting',
      'policies.b': 'there is no service "b"',
      'policies.nobody->a': 'there is no service "nobody"',
      faults: 'must be a boolean',
    });
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
