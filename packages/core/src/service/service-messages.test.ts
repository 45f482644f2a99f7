import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { z } from 'zod';
import { contract } from '../contract/contract.ts';
import { event } from '../contract/event.ts';
import { operation } from '../contract/operation.ts';
import { startNatsServer, type TestBroker, withoutNatsServer } from '../messaging/testing/nats-server.ts';
import { TestFleet } from '../testing/test-fleet.ts';
import { waitFor } from '../testing/wait-for.ts';
import { service } from './service.ts';

const Shop = contract('shop', {
  order: operation({ input: z.object({ id: z.string() }), output: z.object({ id: z.string() }) }),
  ordered: event({ payload: z.object({ id: z.string().min(1) }), key: 'id' }),
});

const Mail = contract('mail', { sent: operation({ output: z.object({ ids: z.array(z.string()) }) }) });

const database = { migrations: new URL('./fixtures/rows-migrations/', import.meta.url) };

const shop = service(Shop, {
  operations: {
    async order({ id }, context) {
      const published = await context.publish(Shop.ordered, { id });
      return { id: published.id };
    },
  },
});

const shopWithOutbox = service(Shop, {
  database,
  operations: {
    async order({ id }, context) {
      const insert = context.database.prepare('INSERT INTO rows VALUES (?)');
      const message = await context.transaction((tx) => {
        const written = tx.publish(Shop.ordered, { id });
        insert.run(id);
        return written;
      });
      return { id: message };
    },
  },
});

/** Keeps what it hears in memory. */
function mail(seen: string[]) {
  return service(Mail, {
    uses: { Shop },
    subscriptions: ({ subscribe }) => [
      subscribe(Shop.ordered, { group: 'mail' }, async ({ id }) => {
        seen.push(id);
      }),
    ],
    operations: { sent: () => ({ ids: seen }) },
  });
}

/** Keeps what it hears in its database, in the transaction of the checkpoint. */
const mailWithRows = service(Mail, {
  uses: { Shop },
  database,
  subscriptions: ({ subscribe }) => [
    subscribe(Shop.ordered, { group: 'mail', transaction: true }, ({ id }, tx) => {
      tx.database.prepare('INSERT INTO rows VALUES (?)').run(id);
    }),
  ],
  operations: {
    sent(_input, context) {
      const rows = context.database.prepare('SELECT id FROM rows ORDER BY id').all();
      return { ids: rows.map(({ id }) => String(id)) };
    },
  },
});

describe('a service', { skip: withoutNatsServer }, () => {
  let broker: TestBroker;
  let fleet: TestFleet;
  let fleets = 0;

  before(async () => {
    broker = await startNatsServer();
  });
  after(() => broker.stop());
  beforeEach(() => {
    fleet = new TestFleet({ natsUrl: broker.url, name: `fleet-${++fleets}` });
  });
  afterEach(() => fleet.stop());

  const order = async (...ids: string[]): Promise<void> => {
    for (const id of ids) await fleet.client(Shop).order({ id });
  };

  it('hears what another publishes, also what was published while it was away', async () => {
    const seen: string[] = [];
    await fleet.start(shop, mail(seen));
    await order('a', 'b');
    await waitFor(() => seen.length === 2);
    await fleet.drain(Mail);
    await order('c');
    await fleet.start(mail(seen));
    await waitFor(() => seen.length === 3);
    assert.deepEqual(seen.toSorted(), ['a', 'b', 'c']);
  });

  it('handles everything when it is started again after a crash', async () => {
    const seen: string[] = [];
    await fleet.start(shop, mail(seen));
    await order('a');
    await waitFor(() => seen.includes('a'));
    await fleet.kill(Mail);
    await order('b');
    await fleet.start(mail(seen));
    await waitFor(() => seen.includes('b'));
  });

  it('publishes what it commits and handles it once, in its own transaction', async () => {
    await fleet.start(shopWithOutbox, mailWithRows);
    const sent = async (): Promise<string[]> => (await fleet.client(Mail).sent()).ids;
    await order('a', 'b');
    await assert.rejects(order('a'), { code: 'internal' }, 'the row is there: nothing is published');
    await waitFor(async () => (await sent()).length === 2);
    await fleet.kill(Mail);
    await fleet.kill(Shop);
    await fleet.start(shopWithOutbox, mailWithRows);
    await order('c');
    await waitFor(async () => (await sent()).length === 3);
    assert.deepEqual(await sent(), ['a', 'b', 'c']);
    const handled = fleet
      .metrics(Mail)
      .snapshot()
      .find(({ name }) => name === 'flotilla_messages_handled');
    assert.deepEqual(
      handled?.series.map(({ labels, value }) => [labels.outcome, value]),
      [['ok', 1]],
      'nothing was handled again',
    );
  });

  it('knows when its subscription has caught up with what was published before', async () => {
    const positions = contract('positions', { caughtUp: operation({ output: z.boolean() }) });
    const reader = service(positions, {
      uses: { Shop },
      database,
      subscriptions: ({ subscribe }) => [
        subscribe(Shop.ordered, { group: 'positions', transaction: true }, ({ id }, tx) => {
          tx.database.prepare('INSERT INTO rows VALUES (?)').run(id);
        }),
      ],
      operations: { caughtUp: (_input, context) => context.progress('positions', Shop).caughtUp() },
    });
    await fleet.start(shop, reader);
    await order('a', 'b', 'c');
    assert.equal(await fleet.client(positions).caughtUp(), true);
  });

  it('refuses to publish what breaks the contract, and events of contracts that it does not use', async () => {
    const Other = contract('other', { said: event({ payload: z.string() }) });
    const Asked = contract('asked', { wrong: operation(), foreign: operation() });
    const asked = service(Asked, {
      uses: { Shop },
      operations: {
        wrong: async (_input, context) => {
          await context.publish(Shop.ordered, { id: '' });
        },
        foreign: async (_input, context) => {
          await context.publish(Other.said, 'hello').catch((error: Error) => {
            throw Object.assign(new Error(), error);
          });
        },
      },
    });
    await fleet.start(asked);
    await assert.rejects(fleet.client(Asked).wrong(), { code: 'invalid_argument', message: /^id: / });
    await assert.rejects(fleet.client(Asked).foreign(), { code: 'internal' });
  });
});
