import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instrumentUnits } from '@exchange/reference/units';
import { type AccountClients, takeSeats } from './participant-accounts.ts';

const units = instrumentUnits(
  { symbol: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.01', lotSize: '0.0001' },
  { USD: 6, BTC: 8 },
);
const seats = [
  { name: 'maker-BTC-USD', units },
  { name: 'noise-BTC-USD', units },
];

/** An exchange whose log is at `heads`, one after the other, whenever somebody asks. */
function exchange(heads: number[], balances: (account: string, reading: number) => string) {
  const asked: { opened: unknown[]; readings: number; users: string[] } = {
    opened: [],
    readings: 0,
    users: [],
  };
  const head = () => (heads.length > 1 ? heads.shift()! : heads[0]!);
  const clients: AccountClients = {
    Identity: {
      open: async (input) => {
        asked.opened.push(input);
        return { account: `acc-${input.name.split('-')[0]}` };
      },
    },
    Risk: {
      balances: async (_input, options) => {
        const { subject } = options!.user!;
        asked.users.push(subject);
        const available = balances(subject, asked.readings);
        return [
          { asset: 'BTC', available, held: '1.00000000' },
          { asset: 'USD', available: '5.000000', held: '0.000000' },
        ];
      },
    },
    Matching: {
      head: async () => {
        asked.readings += 1;
        return { sequence: head() };
      },
      audit: async () => ({
        sequence: head(),
        stateHash: '',
        violations: [],
        orders: [],
        depth: [{ symbol: 'BTC-USD', sequence: 1, bids: [[1, 2]], asks: [] }],
      }),
    },
  };
  return { clients, asked };
}

test('the position is what an account holds beyond its funding, held or not', async () => {
  const { clients, asked } = exchange([7], (account) =>
    account === 'acc-maker' ? '99.00000000' : '98.99970000',
  );
  const standing = await takeSeats(clients, seats);
  assert.equal(standing.sequence, 7);
  assert.deepEqual(standing.holdings.get('maker-BTC-USD'), {
    account: 'acc-maker',
    position: 0,
    resting: [],
  });
  assert.equal(standing.holdings.get('noise-BTC-USD')!.position, -3);
  assert.deepEqual(standing.depths.get('BTC-USD')!.bids, [[1, 2]]);
  assert.deepEqual(asked.opened[0], {
    name: 'maker-btc-usd',
    funding: [
      { asset: 'USD', amount: '50000000' },
      { asset: 'BTC', amount: '100' },
    ],
  });
});

test('positions are read again until they and the resting orders are of one moment', async () => {
  const { clients, asked } = exchange([7, 8, 9, 9], (_, reading) =>
    reading === 1 ? '99.00010000' : '99.00020000',
  );
  const standing = await takeSeats(clients, seats);
  assert.deepEqual([standing.sequence, asked.readings], [9, 2]);
  assert.equal(standing.holdings.get('maker-BTC-USD')!.position, 2);
});

test('in a market that never rests it goes on after some readings', async () => {
  const heads = Array.from({ length: 100 }, (_, index) => index);
  const { clients, asked } = exchange(heads, () => '99.00000000');
  assert.equal((await takeSeats(clients, seats)).holdings.size, 2);
  assert.equal(asked.readings, 5);
});
