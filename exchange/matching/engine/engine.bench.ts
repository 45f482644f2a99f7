/**
 * Commands per second of the engine alone, on one core: `node exchange/matching/engine/engine.bench.ts [commands]`.
 * The flow has the mix of the simulated market: resting orders around a moving price, cancels of older ones, and about
 * one order in eight that trades. Commands are made beforehand; every command is applied and its events are built.
 */

import { apply } from './apply.ts';
import type { Command, Side } from './command.ts';
import { check } from './invariants.ts';
import { createState } from './state.ts';
import { stateHash } from './state-hash.ts';

const ROUNDS = 5;
const SYMBOLS = ['BTC-USD', 'ETH-USD', 'ACME-USD'];

/** Linear congruential generator (Numerical Recipes constants): the same flow on every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function flow(count: number): Command[] {
  const random = generator(7);
  const commands: Command[] = SYMBOLS.map((symbol) => ({ kind: 'list', symbol, time: 1 }));
  const placed: string[] = [];
  let middle = 60_000;
  for (let index = 0; commands.length < count; index += 1) {
    const time = 1_000 + index;
    const symbol = SYMBOLS[random(SYMBOLS.length)]!;
    const side: Side = random(2) === 0 ? 'buy' : 'sell';
    const away = side === 'buy' ? -1 : 1;
    const choice = random(100);
    middle += random(3) - 1;
    const id = `order-${index}`;
    const account = `account-${random(500)}`;
    const quantity = 1 + random(50);
    if (choice < 42 && placed.length > 500) {
      const orderId = placed.splice(random(placed.length), 1)[0]!;
      commands.push({ kind: 'cancel', time, orderId });
    } else if (choice < 88) {
      const price = middle + away * (1 + random(60));
      placed.push(id);
      commands.push({
        kind: 'submit',
        time,
        order: { id, account, symbol, side, type: 'limit', price, quantity, timeInForce: 'gtc' },
      });
    } else if (choice < 96) {
      const price = middle - away * 20;
      commands.push({
        kind: 'submit',
        time,
        order: { id, account, symbol, side, type: 'limit', price, quantity, timeInForce: 'ioc' },
      });
    } else {
      commands.push({
        kind: 'submit',
        time,
        order: { id, account, symbol, side, type: 'market', quantity, timeInForce: 'ioc' },
      });
    }
  }
  return commands;
}

const commands = flow(Number(process.argv[2] ?? 300_000));
const rates: number[] = [];
const hashes = new Set<string>();
for (let round = 0; round < ROUNDS; round += 1) {
  const state = createState();
  let trades = 0;
  let events = 0;
  const started = process.hrtime.bigint();
  for (const command of commands) {
    const outcome = apply(state, command);
    events += outcome.events.length;
    for (const event of outcome.events) if (event.kind === 'trade') trades += 1;
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const rate = Math.round(commands.length / seconds);
  rates.push(rate);
  hashes.add(stateHash(state));
  const violations = check(state);
  if (violations.length > 0) throw new RangeError(violations.join('\n'));
  console.log(
    `round ${round + 1}: ${rate.toLocaleString('en')} commands/s, ${events} events, ${trades} trades, ` +
      `${state.orders.size} orders resting`,
  );
}
if (hashes.size !== 1) throw new RangeError('two rounds over the same commands ended in different states');
rates.sort((left, right) => right - left);
console.log(
  `best ${rates[0]!.toLocaleString('en')}, median ${rates[ROUNDS >> 1]!.toLocaleString('en')} commands/s`,
);
