import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Ledger } from '@exchange/ledger';
import ledger from '@exchange/ledger/service';
import type { Amount } from '@exchange/reference';
import reference from '@exchange/reference/service';
import { ExchangeFleet } from '@exchange/reference/testing';
import { type Balance, Risk } from '@exchange/risk';
import { attempt, platformError, service } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { Identity } from './contract.ts';
import identity from './service.ts';

/** Credits once per transfer, as risk does; counts what is asked of it, and fails on demand. */
class FakeRisk {
  readonly credited = new Map<string, readonly Amount[]>();
  calls = 0;
  failing = false;

  readonly service = service(Risk, {
    operations: {
      fund: ({ transfer, amounts }): Balance[] => {
        this.calls += 1;
        if (this.failing) throw platformError('unavailable', 'risk cannot write');
        this.credited.set(transfer, amounts);
        return amounts.map(({ asset, amount }) => ({ asset, available: amount, held: '0' }));
      },
      place: () => notNeeded(),
      balances: () => notNeeded(),
      audit: () => notNeeded(),
    },
  });
}

function notNeeded(): never {
  throw platformError('unimplemented', 'not needed to open accounts');
}

/** The real ledger, which books deposits also while there is no matching, and a risk that can be made to fail. */
async function startFleet(t: TestContext, environment: NodeJS.ProcessEnv = { DEMO_ACCOUNTS: 'true' }) {
  const fleet = await ExchangeFleet.open({ environment });
  t.after(() => fleet.stop());
  const risk = new FakeRisk();
  await fleet.start(reference, ledger, risk.service, identity);
  return {
    fleet,
    risk,
    client: fleet.client(Identity),
    /** What the ledger has booked for an account. */
    async booked(account: string): Promise<Record<string, string>> {
      const { accounts, intact } = await fleet.client(Ledger).audit();
      assert.ok(intact);
      const found = accounts.find((entry) => entry.account === account);
      return Object.fromEntries(found?.balances.map(({ asset, amount }) => [asset, amount]) ?? []);
    },
  };
}

const inLedger = { USD: '100000.000000', BTC: '2.00000000', ETH: '20.00000000', SOL: '500.00000000' };
const makerFunding: Amount[] = [{ asset: 'USD', amount: '5000000' }];

test('a demo account is funded in ledger and risk, and its token verifies against the key set', async (t) => {
  const { client, risk, booked } = await startFleet(t);
  const { account, token, balances } = await client.createDemoAccount();
  assert.deepEqual(await booked(account), inLedger);
  assert.deepEqual(
    balances.map(({ asset, available }) => [asset, available]),
    risk.credited.get(`funding:${account}`)!.map(({ asset, amount }) => [asset, amount]),
  );
  const keys = (await client.keys()) as unknown as JSONWebKeySet;
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys), {
    issuer: 'exchange-identity',
    audience: 'exchange',
    algorithms: ['EdDSA'],
  });
  assert.equal(payload.sub, account);
  assert.equal(payload.scope, 'orders:read orders:write account:read');
  assert.equal(payload.exp! - payload.iat!, 24 * 60 * 60);
  assert.equal(protectedHeader.kid, keys.keys[0]!.kid);
});

test('the key set holds no private key, and another fleet does not accept the token', async (t) => {
  const { client } = await startFleet(t);
  const other = await startFleet(t);
  const { token } = await client.createDemoAccount();
  const { keys } = await client.keys();
  assert.deepEqual(
    keys.map((key) => Object.keys(key).sort()),
    [['alg', 'crv', 'kid', 'kty', 'use', 'x']],
  );
  const others = createLocalJWKSet((await other.client.keys()) as unknown as JSONWebKeySet);
  await assert.rejects(jwtVerify(token, others), errors.JWKSNoMatchingKey);
});

test('tokens issued before a restart still verify after it, with the same key', async (t) => {
  const { fleet, client } = await startFleet(t);
  const before = await client.createDemoAccount();
  const keysBefore = await client.keys();
  await fleet.kill(Identity);
  await fleet.start(identity);
  assert.deepEqual(await client.keys(), keysBefore);
  const keys = createLocalJWKSet((await client.keys()) as unknown as JSONWebKeySet);
  const after = await client.createDemoAccount();
  for (const { token, account } of [before, after]) {
    assert.equal((await jwtVerify(token, keys)).payload.sub, account);
  }
  assert.notEqual(decodeJwt(before.token).sub, decodeJwt(after.token).sub);
});

test('a fleet that does not allow demo accounts says so, and opens none', async (t) => {
  const { client, risk } = await startFleet(t, {});
  const refused = await attempt(client.createDemoAccount());
  assert.ok(!refused.ok && refused.error.code === 'demo_accounts_disabled');
  assert.ok(refused.error.declared);
  assert.equal(risk.calls, 0);
});

test('funding that stopped between ledger and risk is finished, once', async (t) => {
  const { client, risk, booked } = await startFleet(t);
  risk.failing = true;
  const failed = await attempt(client.createDemoAccount());
  assert.ok(!failed.ok && failed.error.code === 'unavailable');
  assert.equal(risk.credited.size, 0);
  risk.failing = false;
  const [transfer] = await waitFor(
    () => [...risk.credited.keys()][0] !== undefined && [...risk.credited.keys()],
  );
  assert.deepEqual(await booked(transfer!.replace('funding:', '')), inLedger);
});

test('funding that a crash interrupted is finished after the restart, once, and then left alone', async (t) => {
  const { fleet, client, risk, booked } = await startFleet(t);
  risk.failing = true;
  const failed = await attempt(client.open({ name: 'maker-1', funding: makerFunding }));
  assert.ok(!failed.ok);
  await fleet.kill(Identity);
  assert.deepEqual(await booked('maker-1'), { USD: '5000000.000000' });
  risk.failing = false;
  await fleet.start(identity);
  await waitFor(() => risk.credited.has('funding:maker-1'));
  await client.open({ name: 'maker-1', funding: makerFunding });
  assert.deepEqual(await booked('maker-1'), { USD: '5000000.000000' });
  // Marked as funded: neither another call nor another start asks for it again.
  const { calls } = risk;
  await client.open({ name: 'maker-1', funding: makerFunding });
  await fleet.kill(Identity);
  await fleet.start(identity);
  await client.open({ name: 'maker-1', funding: makerFunding });
  assert.equal(risk.calls, calls);
});

test('without ledger or risk, opening an account is unavailable, and done later', async (t) => {
  const { fleet, client, risk, booked } = await startFleet(t);
  for (const [index, gone] of [Ledger, Risk].entries()) {
    const name = `maker-${index}`;
    await fleet.kill(gone);
    const failed = await attempt(client.open({ name, funding: makerFunding }));
    assert.ok(!failed.ok && failed.error.code === 'unavailable');
    await fleet.start(gone === Ledger ? ledger : risk.service);
    await waitFor(() => risk.credited.has(`funding:${name}`));
    assert.deepEqual(await booked(name), { USD: '5000000.000000' });
  }
});

test('opening one name many times at once makes one account, funded once', async (t) => {
  const { client, booked } = await startFleet(t);
  const calls = Array.from({ length: 12 }, (_, index) =>
    client.open({ name: 'maker-1', funding: [{ asset: 'USD', amount: String(index + 1) }] }),
  );
  for (const { account } of await Promise.all(calls)) assert.equal(account, 'maker-1');
  // All are in the order of their arrival: the first decides.
  assert.deepEqual(await booked('maker-1'), { USD: '1.000000' });
});

test('the house and the accounts of others cannot be opened by name', async (t) => {
  const { client } = await startFleet(t);
  const house = await attempt(client.open({ name: 'house', funding: makerFunding }));
  assert.ok(!house.ok && house.error.code === 'invalid_argument');
  const { account } = await client.createDemoAccount();
  const stolen = await attempt(client.open({ name: account, funding: makerFunding }));
  assert.ok(!stolen.ok && stolen.error.code === 'conflict');
});

test('an account that cannot be funded does not keep others from it', async (t) => {
  const { client, risk } = await startFleet(t);
  const refused = await attempt(client.open({ name: 'a-first', funding: [{ asset: 'NONE', amount: '1' }] }));
  assert.ok(!refused.ok && refused.error.code === 'internal');
  risk.failing = true;
  const failed = await attempt(client.open({ name: 'b-second', funding: makerFunding }));
  assert.ok(!failed.ok);
  risk.failing = false;
  await waitFor(() => risk.credited.has('funding:b-second'));
});
