/**
 * A process for the test that kills it: `node submit-for-ever.ts FILE ROUND` submits and cancels orders on a journal in
 * FILE, many at a time, and writes the id of each order to stdout when it is acknowledged.
 */
import { writeSync } from 'node:fs';
import { openDatabase, readMigrations, silentLogger } from 'flotilla';
import { submit } from '../answers.ts';
import { Sequencer } from '../sequencer.ts';

const [, , path, round] = process.argv;
const database = openDatabase({
  path: path!,
  migrations: readMigrations(new URL('../migrations/', import.meta.url)),
});
const sequencer = new Sequencer({
  database,
  log: silentLogger,
  now: Date.now,
  onFatal: () => process.exit(1),
  snapshotInterval: 100,
});
sequencer.setMarket('BTC-USD', 'open');

let count = 0;
async function work(): Promise<never> {
  for (;;) {
    count += 1;
    const id = `order-${round}-${String(count).padStart(8, '0')}`;
    const answer = await submit(sequencer, {
      id,
      clientOrderId: `client-${id}`,
      account: count % 3 ? 'alice' : 'bob',
      symbol: 'BTC-USD',
      side: count % 2 ? 'buy' : 'sell',
      type: 'limit',
      price: 1_000 + ((count * 37) % 41),
      quantity: 1 + (count % 9),
      timeInForce: count % 4 ? 'gtc' : 'ioc',
    });
    if (answer.kind !== 'accepted') throw new TypeError(`${id} was ${answer.kind}`);
    if (count % 5 === 0) sequencer.cancel(id, undefined);
    writeSync(1, `${JSON.stringify([id, answer.sequence, answer.order.filled])}\n`);
  }
}
await Promise.all(Array.from({ length: 16 }, work));
