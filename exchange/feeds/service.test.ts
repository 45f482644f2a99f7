import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Identity } from '@exchange/identity';
import { type LogEntry, Matching } from '@exchange/matching';
import matching from '@exchange/matching/service';
import { Reference } from '@exchange/reference';
import reference from '@exchange/reference/service';
import { ExchangeFleet } from '@exchange/reference/testing';
import { Risk } from '@exchange/risk';
import risk from '@exchange/risk/service';
import { type Client, contract, service, subscribe } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { Feeds, type VenueEvent } from './contract.ts';
import feeds from './service.ts';
import { recordingBytes, syntheticRecording } from './venue/synthetic-recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'feeds-service-'));
after(() => rmSync(folder, { recursive: true }));

/** Opens accounts as the real one does, without a ledger. */
const identity = service(Identity, {
  uses: { Risk },
  operations: {
    async open({ name, funding }, { clients }) {
      const account = `acc-${name}`;
      await clients.Risk.fund({ transfer: `open-${name}`, account, amounts: funding });
      return { account };
    },
    createDemoAccount: () => {
      throw Identity.createDemoAccount.error('demo_accounts_disabled');
    },
    keys: () => ({ keys: [] }),
  },
});

interface World {
  readonly fleet: ExchangeFleet;
  readonly client: Client<typeof Feeds>;
  readonly engine: Client<typeof Matching>;
  /** What the engine has done. */
  readonly log: readonly LogEntry[];
  /** What happened in the other venue's market. */
  readonly played: readonly VenueEvent[];
}

const exchange = [reference, matching, risk, identity];

function inFleet(
  environment: NodeJS.ProcessEnv,
  story: (world: World) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const fleet = await ExchangeFleet.open({ environment });
    const log: LogEntry[] = [];
    const played: VenueEvent[] = [];
    const listener = service(contract('listener', {}), {
      operations: {},
      subscriptions: [
        subscribe(Matching.logged, { group: 'listener' }, (entry) => void log.push(entry)),
        subscribe(Feeds.played, { group: 'listener' }, (event) => void played.push(event)),
      ],
    });
    try {
      await fleet.start(listener);
      await story({ fleet, client: fleet.client(Feeds), engine: fleet.client(Matching), log, played });
    } finally {
      await fleet.stop();
    }
  };
}

/** Symbols in which there was a trade since the beginning of the log. */
function tradedSymbols(log: readonly LogEntry[]): Set<string> {
  const trades = log.flatMap(({ events }) => events).filter(({ kind }) => kind === 'trade');
  return new Set(trades.map((trade) => ('symbol' in trade ? trade.symbol : '')));
}

async function resting(engine: Client<typeof Matching>): Promise<string[]> {
  const { orders } = await engine.audit();
  return orders.map(({ clientOrderId }) => clientOrderId);
}

describe('participants', () => {
  const lively = { EXCHANGE_ACTIONS_PER_SECOND: '100' };

  test(
    'they quote every market at once, and trade in all of them soon',
    inFleet(lively, async ({ fleet, client, engine, log }) => {
      await fleet.start(...exchange, feeds);
      await waitFor(() => tradedSymbols(log).size === 3);
      const { depth, violations } = await engine.audit();
      assert.deepEqual(violations, []);
      for (const { symbol, bids, asks } of depth) {
        assert.ok(
          bids.length > 2 && asks.length > 2,
          `${symbol} has ${bids.length} bids, ${asks.length} asks`,
        );
      }
      const { participants, submitted, rejected, replay } = await client.status();
      assert.deepEqual([participants, replay], ['trading', null]);
      assert.ok(submitted > 20 && rejected < submitted / 10, `${rejected} of ${submitted} were refused`);
    }),
  );

  test(
    'paused, they send nothing, also after a restart; resumed, they go on',
    inFleet(lively, async ({ fleet, client, engine, log }) => {
      await fleet.start(...exchange, feeds);
      await waitFor(() => tradedSymbols(log).size > 0);
      assert.deepEqual(await client.pause(), { participants: 'paused' });
      const quiet = async () => {
        const { sequence } = await engine.head();
        const { submitted } = await client.status();
        await new Promise((resolve) => setTimeout(resolve, 300));
        return (await engine.head()).sequence === sequence && (await client.status()).submitted === submitted;
      };
      await waitFor(quiet);
      await fleet.kill(Feeds);
      await fleet.start(feeds);
      assert.equal((await client.status()).participants, 'paused');
      assert.ok(await waitFor(quiet));
      assert.equal((await client.status()).submitted, 0);
      const { sequence } = await engine.head();
      assert.deepEqual(await client.resume(), { participants: 'trading' });
      await waitFor(async () => (await engine.head()).sequence > sequence);
    }),
  );

  test(
    'after a restart they know their resting orders, go on at the price, and use no client order id again',
    inFleet(lively, async ({ fleet, client, engine, log }) => {
      await fleet.start(...exchange, feeds);
      await waitFor(() => tradedSymbols(log).size === 3);
      await fleet.kill(Feeds);
      const left = await waitFor(async () => {
        const before = await resting(engine);
        const { pending } = await fleet.client(Risk).audit();
        return pending.length === 0 && before.length > 0 ? before : undefined;
      });
      const middles = middlesOf((await engine.audit()).depth);
      await fleet.start(feeds);
      await waitFor(async () => (await client.status()).submitted > 5);
      for (const [symbol, middle] of middlesOf((await engine.audit()).depth)) {
        const before = middles.get(symbol);
        if (before)
          assert.ok(Math.abs(middle - before) < before / 100, `${symbol}: ${before} became ${middle}`);
      }
      // Orders of the first process are cancelled or traded in the course of time: nobody else could cancel them.
      await waitFor(
        async () => {
          const now = new Set(await resting(engine));
          return left.some((clientOrderId) => !now.has(clientOrderId));
        },
        { timeoutMs: 20_000, what: 'an order of the first process to be taken care of' },
      );
      const used = new Map<string, string>();
      for (const event of log.flatMap(({ events }) => events)) {
        if (event.kind !== 'accepted') continue;
        const { account, clientOrderId, id } = event.order;
        assert.ok(!used.has(`${account} ${clientOrderId}`));
        used.set(`${account} ${clientOrderId}`, id);
      }
    }),
  );

  test(
    'they wait for what they need, and say so',
    inFleet(lively, async ({ fleet, client, engine }) => {
      await fleet.start(feeds);
      assert.equal((await client.status()).participants, 'starting');
      await fleet.start(...exchange);
      await waitFor(async () => (await client.status()).participants === 'trading');
      await waitFor(async () => (await engine.head()).sequence > 10);
    }),
  );

  test(
    'they live through a restart of risk and of matching',
    inFleet(lively, async ({ fleet, engine, log }) => {
      await fleet.start(...exchange, feeds);
      for (const [contract, again] of [
        [Risk, risk],
        [Matching, matching],
      ] as const) {
        await waitFor(() => tradedSymbols(log).size > 0);
        await fleet.kill(contract);
        await fleet.start(again);
        const { sequence } = await engine.head();
        await waitFor(async () => (await engine.head()).sequence > sequence + 20);
      }
      assert.deepEqual((await engine.audit()).violations, []);
    }),
  );

  test(
    'where there are none, none trade, and they cannot be resumed',
    inFleet({ EXCHANGE_PARTICIPANTS: 'false' }, async ({ fleet, client }) => {
      await fleet.start(...exchange, feeds);
      assert.equal((await client.status()).participants, 'off');
      assert.deepEqual(await client.pause(), { participants: 'paused' });
      await assert.rejects(client.resume(), { code: 'conflict', message: /EXCHANGE_PARTICIPANTS/ });
    }),
  );
});

function middlesOf(
  depths: readonly { symbol: string; bids: [number, number][]; asks: [number, number][] }[],
) {
  return new Map(
    depths.flatMap(({ symbol, bids, asks }) =>
      bids[0] && asks[0] ? [[symbol, (bids[0][0] + asks[0][0]) / 2] as const] : [],
    ),
  );
}

describe('the recorded venue', () => {
  function recorded(name: string, lines: readonly string[]): string {
    const file = join(folder, name);
    writeFileSync(file, recordingBytes(lines));
    return file;
  }

  const recording = {
    EXCHANGE_FEED: recorded('sound.gz', syntheticRecording({ seed: 3, diffs: 300, price: 6_300_000 }).lines),
    EXCHANGE_FEED_SPEED: '5',
    EXCHANGE_PARTICIPANTS: 'false',
  };

  test(
    'it is listed as a market of its own and played without a gap across restarts of feeds',
    inFleet(recording, async ({ fleet, client, played }) => {
      await fleet.start(reference, feeds);
      const markets = await waitFor(async () => {
        const found = await fleet.client(Reference).markets();
        return found.find(({ symbol }) => symbol === 'BTCUSDT.BINANCE');
      });
      assert.equal(markets.status, 'external');
      for (let round = 0; round < 3; round++) {
        const { length } = played;
        await waitFor(() => played.length > length + 25);
        await fleet.kill(Feeds);
        await fleet.start(feeds);
      }
      assert.deepEqual(
        played.map(({ run, sequence }) => [run, sequence]),
        played.map((_, index) => [played[0]!.run, index + 1]),
      );
      const present = await waitFor(async () => (await client.venue()) ?? undefined);
      assert.ok(present.kind === 'snapshot' && present.sequence >= 75);
      const { replay } = await client.status();
      assert.equal(replay!.symbol, 'BTCUSDT.BINANCE');
      assert.equal(replay!.state, 'playing');
    }),
  );

  test(
    'a damaged one is told by the status',
    inFleet(
      {
        EXCHANGE_FEED: recorded('damaged.gz', [
          ...syntheticRecording({ seed: 3 }).lines.slice(0, 9),
          'nonsense',
        ]),
        EXCHANGE_FEED_SPEED: '1000',
        EXCHANGE_PARTICIPANTS: 'false',
      },
      async ({ fleet, client }) => {
        await fleet.start(reference, feeds);
        const { replay } = await waitFor(async () => {
          const status = await client.status();
          return status.replay?.state === 'damaged' ? status : undefined;
        });
        assert.match(replay!.reason!, /damaged\.gz, line 10: /);
      },
    ),
  );

  test(
    'a missing one keeps the service from starting, with the variable to correct',
    inFleet({ EXCHANGE_FEED: join(folder, 'missing.gz') }, async ({ fleet }) => {
      await assert.rejects(fleet.start(feeds), {
        code: 'invalid_argument',
        message: /EXCHANGE_FEED.*missing\.gz/,
      });
    }),
  );

  test(
    'without one there is a venue in which nothing happens',
    inFleet({ EXCHANGE_PARTICIPANTS: 'false' }, async ({ fleet, client }) => {
      await fleet.start(reference, feeds);
      assert.equal((await client.status()).replay, null);
      assert.equal(await client.venue(), null);
    }),
  );

  test(
    'the makers of BTC-USD quote around its price',
    inFleet({ ...recording, EXCHANGE_PARTICIPANTS: 'true' }, async ({ fleet, engine }) => {
      await fleet.start(...exchange, feeds);
      // The recorded price is farther from the reference price of our own market than that ever goes.
      await waitFor(
        async () => {
          const middle = middlesOf((await engine.audit()).depth).get('BTC-USD');
          return middle !== undefined && Math.abs(middle - 6_300_000) < 6_300;
        },
        { timeoutMs: 20_000, what: 'the makers to follow the other venue' },
      );
    }),
  );
});
