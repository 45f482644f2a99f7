import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ContractDocument, type Instance, platformError, silentLogger } from 'flotilla';
import type { ContractStore } from './contract-store.ts';
import { awaitContracts } from './expected-contracts.ts';
import { FleetUpstream, type Membership } from './fleet-upstream.ts';
import { until } from './testing/http-client.ts';
import { shop } from './testing/shop.ts';

type Change = (change: { readonly instance: Instance }) => void;

/** A fleet whose instances come and go by hand. */
class FakeFleet implements Membership {
  readonly instances = new Map<string, Instance>();
  readonly documents = new Map<string, ContractDocument>();
  failures = 0;
  asked = 0;
  readonly #listeners = new Set<Change>();
  readonly discovery = {
    list: (service?: string) =>
      [...this.instances.values()].filter(
        (instance) => service === undefined || instance.service === service,
      ),
    onChange: (listener: Change) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  async contract(service: string): Promise<ContractDocument> {
    this.asked++;
    if (this.failures-- > 0) throw platformError('unavailable', 'not yet');
    return this.documents.get(this.discovery.list(service)[0]!.contract)!;
  }

  call(): never {
    throw platformError('unimplemented', 'not part of this test');
  }

  stream(): never {
    throw platformError('unimplemented', 'not part of this test');
  }

  join(id: string, document: ContractDocument, state: Instance['state'] = 'ready'): void {
    this.documents.set(document.hash, document);
    const instance: Instance = {
      service: document.service,
      instance: id,
      version: '1',
      contract: document.hash,
      address: 'tcp://127.0.0.1:1',
      zone: 'local',
      weight: 1,
      state,
      startedAt: 1,
      pid: 1,
    };
    this.instances.set(id, instance);
    for (const listener of this.#listeners) listener({ instance });
  }

  leave(id: string): void {
    const instance = this.instances.get(id)!;
    this.instances.delete(id);
    for (const listener of this.#listeners) listener({ instance });
  }
}

function memoryStore(...stored: ContractDocument[]): ContractStore & { saved: readonly ContractDocument[] } {
  return {
    saved: stored,
    async load() {
      return [...this.saved];
    },
    async save(contracts) {
      this.saved = contracts;
    },
  };
}

const hashes = (upstream: FleetUpstream) =>
  upstream.services().map(({ service, hash }) => `${service}:${hash}`);
const version = (hash: string): ContractDocument => ({ ...shop, hash });

async function started(fleet: FakeFleet, store = memoryStore()) {
  const upstream = new FleetUpstream(fleet, store, silentLogger);
  await upstream.start();
  return { upstream, store };
}

describe('the fleet as upstream', () => {
  it('learns the contracts of running services and of those that come, and stores them', async () => {
    const fleet = new FakeFleet();
    fleet.join('shop-1', version('a'));
    const { upstream, store } = await started(fleet);
    let changes = 0;
    upstream.onChange(() => changes++);
    fleet.join('bank-1', { ...shop, service: 'bank', hash: 'b' });
    await until(() => upstream.services().length === 2, 'both contracts');
    assert.deepEqual(hashes(upstream).sort(), ['bank:b', 'shop:a']);
    assert.ok(changes > 0);
    assert.equal(store.saved.length, 2);
  });

  it('keeps the contract of a service that died, also over a restart', async () => {
    const fleet = new FakeFleet();
    fleet.join('shop-1', version('a'));
    const { upstream, store } = await started(fleet);
    await until(() => upstream.services().length === 1, 'the contract');
    fleet.leave('shop-1');
    assert.deepEqual(hashes(upstream), ['shop:a']);
    const again = await started(new FakeFleet(), store);
    assert.deepEqual(hashes(again.upstream), ['shop:a']);
    assert.equal(again.upstream.isLive('shop'), false);
  });

  it('forgets the contract of a service that the fleet no longer has', async () => {
    const stored = memoryStore(version('a'), { ...shop, service: 'bank' });
    const upstream = new FleetUpstream(new FakeFleet(), stored, silentLogger);
    await upstream.start(['shop']);
    assert.deepEqual(hashes(upstream), ['shop:a']);
  });

  it('follows a deploy once no instance serves the old contract', async () => {
    const fleet = new FakeFleet();
    fleet.join('shop-1', version('a'));
    const { upstream } = await started(fleet);
    await until(() => upstream.services().length === 1, 'the contract');
    fleet.join('shop-2', version('b'));
    assert.deepEqual(hashes(upstream), ['shop:a']);
    fleet.leave('shop-1');
    await until(() => hashes(upstream)[0] === 'shop:b', 'the new contract');
  });

  it('asks again when a service does not tell', async () => {
    const fleet = new FakeFleet();
    fleet.failures = 2;
    fleet.join('shop-1', version('a'));
    const { upstream } = await started(fleet);
    await until(() => upstream.services().length === 1, 'the contract');
    assert.equal(fleet.asked, 3);
  });

  it('does not ask what is not ready', async () => {
    const fleet = new FakeFleet();
    fleet.join('shop-1', version('a'), 'starting');
    const { upstream } = await started(fleet);
    assert.equal(fleet.asked, 0);
    fleet.join('shop-1', version('a'));
    await until(() => upstream.isLive('shop'), 'the contract');
  });
});

describe('expected contracts', () => {
  it('are waited for', async () => {
    const fleet = new FakeFleet();
    const { upstream } = await started(fleet);
    const waiting = awaitContracts(upstream, ['shop']);
    fleet.join('shop-1', version('a'));
    assert.deepEqual(await waiting, []);
    assert.deepEqual(await awaitContracts(upstream, ['shop']), []);
    assert.deepEqual(await awaitContracts(upstream, []), []);
  });

  it('known from an earlier run are enough after a while', async () => {
    const { upstream } = await started(new FakeFleet(), memoryStore(version('a')));
    assert.deepEqual(await awaitContracts(upstream, ['shop'], { storedMs: 10 }), []);
  });

  it('that never come are named in the end', async () => {
    const { upstream } = await started(new FakeFleet(), memoryStore(version('a')));
    assert.deepEqual(await awaitContracts(upstream, ['shop', 'bank'], { storedMs: 5, longestMs: 20 }), [
      'bank',
    ]);
  });
});
