/** Random lives of a consumer, compared after every step with what the naive one does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NaiveConsumer, type NaiveRules } from './naive-consumer.ts';
import { Bench } from './test-bench.ts';

type Step =
  | { readonly kind: 'append'; readonly subject: string }
  | { readonly kind: 'pull'; readonly batch: number }
  | { readonly kind: 'ack' | 'term' | 'nak' | 'progress' | 'remove'; readonly pick: number }
  | { readonly kind: 'nak-later'; readonly pick: number; readonly delay: number }
  | { readonly kind: 'purge'; readonly pick: number }
  | { readonly kind: 'pass'; readonly ms: number };

const pick = fc.nat({ max: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('append'), subject: fc.constantFrom('a', 'b') }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pull'), batch: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('ack', 'ack', 'term', 'nak', 'nak', 'progress', 'remove'),
      pick,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('nak-later'), pick, delay: fc.integer({ min: 1, max: 90 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('purge'), pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.integer({ min: 1, max: 150 }) }) },
);
const rules: fc.Arbitrary<NaiveRules> = fc.record({
  ackWait: fc.constantFrom(50, 100),
  maxDeliver: fc.constantFrom(-1, 1, 2, 3),
  maxAckPending: fc.constantFrom(1, 3, 1_000),
  filter: fc.constantFrom('', 'a'),
});

class Pair {
  readonly bench: Bench;
  readonly naive: NaiveConsumer;
  readonly #got: string[] = [];
  #floor = 0;

  constructor({ ackWait, maxDeliver, maxAckPending, filter }: NaiveRules) {
    this.bench = new Bench({
      ack_wait: ackWait * 1e6,
      max_deliver: maxDeliver,
      max_ack_pending: maxAckPending,
      filter_subject: filter,
      max_waiting: 10_000,
    });
    const { stream, now } = this.bench;
    this.naive = new NaiveConsumer({ ackWait, maxDeliver, maxAckPending, filter }, stream, now);
  }

  do(step: Step): void {
    const { bench, naive } = this;
    switch (step.kind) {
      case 'append':
        bench.append(step.subject);
        naive.deliver();
        break;
      case 'pull':
        bench.pull(String(step.batch));
        naive.pull(step.batch);
        break;
      case 'pass':
        bench.pass(step.ms);
        naive.pass(step.ms);
        break;
      case 'purge': {
        const upTo = 1 + (step.pick % (bench.stream.lastSequence + 1));
        bench.stream.purge(upTo);
        bench.consumer.purged(upTo, undefined);
        bench.run();
        naive.purged(upTo);
        break;
      }
      case 'remove': {
        const stored = bench.stream.stored();
        if (stored.length === 0) return;
        const { sequence } = stored[step.pick % stored.length]!;
        bench.remove(sequence);
        naive.removed(sequence);
        break;
      }
      default:
        this.#answer(step);
    }
  }

  check(): void {
    const { bench, naive } = this;
    const { ledger, cursor, delivered } = bench.consumer;
    this.#got.push(...bench.got.slice(this.#got.length).map((got) => `${got.sequence}:${got.deliveries}`));
    assert.deepEqual(this.#got, naive.delivered, 'deliveries and their order');
    assert.equal(cursor.ahead, naive.ahead.length, 'messages ahead');
    const pending = [...naive.pending.keys()].sort((a, b) => a - b);
    assert.deepEqual(
      [...ledger.pending].map(({ sequence }) => sequence),
      pending,
      'pending',
    );
    assert.ok(ledger.floor.stream >= this.#floor, 'the floor never falls');
    this.#floor = ledger.floor.stream;
    const [lowest] = pending;
    assert.ok(lowest === undefined || ledger.floor.stream < lowest, 'nothing pending is below the floor');
    assert.ok(ledger.floor.stream <= delivered.stream, 'nothing above the last delivery is below the floor');
    const parked = bench.events.flatMap((event) =>
      event.kind === 'max_deliver' ? [event.streamSequence] : [],
    );
    assert.deepEqual(parked, naive.parked, 'announced as delivered too often');
  }

  /** Everything that is stored gets to the client in the end, and is acknowledged then. */
  finish(): void {
    const { bench, naive } = this;
    const unanswered = (): boolean => naive.pending.size + naive.ahead.length > 0;
    for (let round = 0; unanswered() && round < 500; round++) {
      this.do({ kind: 'pull', batch: 5 });
      for (const sequence of [...naive.pending.keys()]) {
        const index = bench.got.findLastIndex((got) => got.sequence === sequence);
        bench.ack(index);
        naive.ack(sequence);
      }
      this.check();
    }
    assert.equal(unanswered(), false, 'something was lost');
  }

  #answer(step: Exclude<Step, { readonly kind: 'append' | 'pull' | 'pass' | 'purge' }>): void {
    const { bench, naive } = this;
    if (bench.got.length === 0) return;
    const index = step.pick % bench.got.length;
    const { sequence } = bench.got[index]!;
    if (step.kind === 'ack' || step.kind === 'term') {
      bench.ack(index, step.kind === 'ack' ? '' : '+TERM');
      naive.ack(sequence);
    } else if (step.kind === 'progress') {
      bench.ack(index, '+WPI');
      naive.progress(sequence);
    } else {
      const delay = step.kind === 'nak-later' ? step.delay : 0;
      bench.ack(index, delay > 0 ? `-NAK {"delay": ${delay * 1e6}}` : '-NAK');
      naive.nak(sequence, delay);
    }
  }
}

test('delivers what the naive consumer delivers, in the same order, and loses nothing', () => {
  fc.assert(
    fc.property(rules, fc.array(step, { maxLength: 60 }), (given, steps) => {
      const pair = new Pair(given);
      for (const one of steps) {
        pair.do(one);
        pair.check();
      }
      pair.finish();
    }),
    { numRuns: 1_500 },
  );
});
