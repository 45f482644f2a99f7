/**
 * What holds for every outgoing call, whatever happens: random stories of instances that come, drain, crash, stand still,
 * fail and hang, of callers that give up and of operators who change policies, with many calls in each of them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Arbitrary,
  array,
  asyncProperty,
  boolean,
  assert as check,
  constantFrom,
  integer,
  oneof,
  record,
  subarray,
} from 'fast-check';
import { FlotillaError, platformError } from '../errors/flotilla-error.ts';
import type { PlatformCode } from '../errors/platform-codes.ts';
import type { PolicyRule, PolicyRules } from '../resilience/policy-rules.ts';
import type { CallReceiver, Dispatch, ExecutionData, IncomingCall, Reply } from '../rpc/channel.ts';
import { waitFor } from '../testing/wait-for.ts';
import { Scene } from './testing/scene.ts';

const operations = ['stock.take', 'stock.list'] as const;
const instances = ['stock-1', 'stock-2', 'stock-3'] as const;

type Treatment = (call: IncomingCall, reply: Reply) => void;

const answer: Treatment = (call, reply) => reply.value(call.payload);
const refuse =
  (code: PlatformCode, data?: object, retryAfterMs?: number): Treatment =>
  (_call, reply) =>
    reply.error(platformError(code, code, { data, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }));
const soldOut = new FlotillaError('sold_out', 'nothing is left', { declared: true });

/** What an instance may do with a call that it runs. */
const running: Readonly<Record<string, Treatment>> = {
  answer,
  'answer soon': (call, reply) => setTimeout(answer, 3, call, reply),
  'answer late': (call, reply) => setTimeout(answer, 60, call, reply),
  hang: (call, reply) => call.watch({ abandoned: (reason) => reply.error(reason) }),
  'sold out': (_call, reply) => reply.error(soldOut),
  internal: refuse('internal'),
  unavailable: refuse('unavailable'),
  relayed: refuse('overloaded', { relayed: true }),
};
/** And with one that it does not. */
const notRunning: Readonly<Record<string, Treatment>> = {
  'never reached': refuse('unavailable', { executed: 'no' }),
  overloaded: refuse('overloaded', { executed: 'no' }),
  'overloaded for long': refuse('overloaded', { executed: 'no' }, 30),
};

const base: PolicyRule = {
  waitMs: 60,
  slowStartMs: 0,
  ejection: { baseMs: 20, maxMs: 60 },
  breaker: { slowMs: 20, openMs: 10, maxOpenMs: 20, minimumCalls: 5, windowMs: 100, maxWindowMs: 500 },
  bulkhead: { concurrency: 16, queue: 12 },
  retry: { baseMs: 2, maxMs: 10 },
  throttle: { windowMs: 200 },
  hedge: { enabled: true, quantile: 0.5, minMs: 4, budget: 0.1 },
};
const changes: readonly PolicyRules[] = [
  {},
  { stock: { bulkhead: { concurrency: 1, queue: 1 } } },
  { stock: { bulkhead: { concurrency: 50, queue: 0 } } },
  { stock: { breaker: { enabled: false }, ejection: { enabled: false } } },
  { stock: { hedge: { enabled: false }, retry: { attempts: 1 } } },
  { stock: { balancing: 'consistent-hash', throttle: { enabled: false } } },
  { 'stock.take': { breaker: { windowMs: 200, probes: 1 } } },
  {
    stock: { bulkhead: { concurrency: 50 } },
    '*': { breaker: { enabled: false }, throttle: { enabled: false }, retry: { maxMs: 2 } },
  },
];

const step = oneof(
  {
    weight: 12,
    arbitrary: record({
      kind: constantFrom('call' as const),
      count: integer({ min: 1, max: 12 }),
      operation: constantFrom(...operations),
      idempotent: boolean(),
      deadlineMs: constantFrom(1, 20, 60, 150, 900),
      givenUp: constantFrom(undefined, undefined, undefined, 0, 4, 30, 'with another' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: record({
      kind: constantFrom('treat' as const),
      instances: subarray([...instances], { minLength: 1 }),
      treatments: subarray([...Object.keys(running), ...Object.keys(notRunning)], {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: record({
      kind: constantFrom(
        'start' as const,
        'drain' as const,
        'crash' as const,
        'stall' as const,
        'move' as const,
      ),
      instance: constantFrom(...instances),
    }),
  },
  {
    weight: 2,
    arbitrary: record({ kind: constantFrom('policy' as const), rules: constantFrom(...changes) }),
  },
  {
    weight: 4,
    arbitrary: record({ kind: constantFrom('wait' as const), ms: constantFrom(0, 1, 5, 30, 120) }),
  },
);
type Step = typeof step extends Arbitrary<infer S> ? S : never;
type CallStep = Pick<Extract<Step, { kind: 'call' }>, 'count' | 'operation' | 'idempotent'> & {
  deadlineMs: number;
  /** After so many milliseconds, or at the very moment when the call before it ends. */
  givenUp?: number | 'with another' | undefined;
};

/** A call, and what became of it. */
class Witness implements CallReceiver {
  readonly id: number;
  readonly idempotent: boolean;
  readonly dueAt: number;
  settled = 0;
  /** Gives another call up. */
  last: AbortController | undefined;
  error: FlotillaError | undefined;
  /** How often a handler has run it. */
  runs = 0;

  constructor(id: number, idempotent: boolean, deadlineMs: number) {
    this.id = id;
    this.idempotent = idempotent;
    this.dueAt = performance.now() + deadlineMs;
  }

  succeeded(): void {
    this.settled++;
    this.last?.abort();
  }

  failed(error: FlotillaError): void {
    this.error = error;
    this.succeeded();
  }

  toString(): string {
    const { id, idempotent, settled, runs, error } = this;
    return `call ${id} (idempotent: ${idempotent}): settled ${settled} times, run ${runs} times, ${error?.code} ${JSON.stringify(error?.data)} ${error?.message}`;
  }
}

/** One scene and what happens in it. */
class Story {
  readonly #scene = new Scene({ '*': base });
  readonly #witnesses: Witness[] = [];
  readonly #treatments = new Map<string, readonly string[]>();
  readonly #up = new Set<string>();
  readonly #drains: Promise<void>[] = [];
  /** Requests that have reached a handler, but for those refused in a way that costs no budget to repeat. */
  #requests = 0;

  async tell(steps: readonly Step[]): Promise<void> {
    for (const instance of ['stock-1', 'stock-2']) {
      this.#up.add(instance);
      await this.#scene.start(instance, this.#dispatch(instance));
    }
    await this.#learn();
    for (const step of steps) {
      await this.#take(step);
      this.#watch();
    }
    await this.#settle();
    this.#judge();
    await this.#heal();
    for (const instance of instances) this.#treatments.set(instance, ['hang']);
    this.#call({ count: 10, operation: 'stock.take', idempotent: true, deadlineMs: 60_000 });
    await Promise.all([...this.#drains, this.#scene.end()]);
    await this.#settle(performance.now());
    this.#judge();
  }

  async #take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'call':
        this.#call(step);
        return;
      case 'treat':
        for (const instance of step.instances) this.#treatments.set(instance, step.treatments);
        return;
      case 'policy':
        this.#scene.changePolicies(step.rules);
        return;
      case 'wait':
        await pass(step.ms);
        return;
      case 'start':
        if (!this.#up.has(step.instance)) await this.#start(step.instance);
        return;
      case 'drain':
        if (this.#up.delete(step.instance)) this.#drains.push(this.#scene.drain(step.instance));
        return;
      case 'crash':
        if (this.#up.delete(step.instance)) await this.#scene.stop(step.instance);
        return;
      case 'stall':
      case 'move':
        this.#scene.standStill(step.instance, step.kind === 'stall');
    }
  }

  /** Enough answers to know what is usual, without which nothing is hedged or slow. */
  async #learn(): Promise<void> {
    for (const operation of operations) {
      for (let n = 0; n < 5; n++) {
        this.#call({ count: 6, operation, idempotent: true, deadlineMs: 1_000 });
        await waitFor(() => this.#witnesses.every(({ settled }) => settled > 0));
      }
    }
  }

  async #start(instance: string): Promise<void> {
    this.#up.add(instance);
    await this.#scene.announce(instance, this.#dispatch(instance));
  }

  #dispatch(instance: string): Dispatch {
    return (call, reply) => this.#handle(instance, call, reply);
  }

  #call(step: CallStep): void {
    for (let n = 0; n < step.count; n++) {
      const { operation, idempotent, deadlineMs, givenUp } = step;
      const witness = new Witness(this.#witnesses.length, idempotent, deadlineMs);
      let signal: AbortSignal | undefined;
      if (givenUp === 'with another') signal = this.#endsWith(this.#witnesses.at(-1)!);
      else if (givenUp !== undefined) signal = AbortSignal.timeout(givenUp);
      this.#witnesses.push(witness);
      const options = { deadlineMs, idempotent, signal, routingKey: String(n) };
      this.#scene.service.call(operation, Buffer.from(String(witness.id)), options, witness);
    }
  }

  #endsWith(witness: Witness): AbortSignal {
    witness.last = new AbortController();
    return witness.last.signal;
  }

  #handle(instance: string, call: IncomingCall, reply: Reply): void {
    const witness = this.#witnesses[Number(call.payload.toString())]!;
    const choice = this.#treatments.get(instance) ?? ['answer'];
    const treatment = choice[witness.id % choice.length]!;
    if (treatment !== 'never reached') this.#requests++;
    if (treatment in running) witness.runs++;
    (running[treatment] ?? notRunning[treatment])!(call, reply);
  }

  /** Whoever has a place or waits for one is a call under way. */
  #watch(): void {
    const { active, waiting } = this.#scene.service.bulkhead;
    const calls = this.#witnesses.filter(({ settled }) => settled === 0).length;
    assert.ok(active + waiting <= calls, `${active} active and ${waiting} waiting of ${calls} calls`);
  }

  /** All calls end in time, and leave nothing behind. */
  async #settle(latest = Number.POSITIVE_INFINITY): Promise<void> {
    for (const witness of this.#witnesses) {
      const slackMs = 1_500;
      const timeoutMs = Math.max(0, Math.min(witness.dueAt, latest) + slackMs - performance.now());
      await waitFor(() => witness.settled > 0, { timeoutMs, what: String(witness) });
    }
  }

  #judge(): void {
    const { bulkhead } = this.#scene.service;
    assert.deepEqual([bulkhead.active, bulkhead.waiting], [0, 0], 'places in the bulkhead');
    for (const { list, id } of this.#scene.service.operations) {
      assert.deepEqual([list.size, [...list].length], [0, 0], `calls in the list of ${id}`);
    }
    for (const witness of this.#witnesses) {
      assert.equal(witness.settled, 1, String(witness));
      const { executed } = (witness.error?.data ?? {}) as Partial<ExecutionData>;
      if (executed === 'no') assert.equal(witness.runs, 0, String(witness));
      if (!witness.idempotent) assert.ok(witness.runs <= 1, String(witness));
    }
    const calls = this.#witnesses.length;
    assert.ok(this.#requests <= calls * 1.2 + 5, `${this.#requests} requests for ${calls} calls`);
    const counted = this.#scene
      .metric('flotilla_client_calls_total{')
      .map((line) => Number(line.split(' ')[1]));
    assert.equal(
      counted.reduce((sum, count) => sum + count, 0),
      calls,
    );
  }

  /** When all is well again, all operations are answered again. */
  async #heal(): Promise<void> {
    this.#treatments.clear();
    this.#scene.changePolicies({});
    for (const instance of instances) this.#scene.standStill(instance, false);
    if (!this.#up.has('stock-1')) await this.#start('stock-1');
    for (const operation of operations) {
      await waitFor(
        async () => {
          const first = this.#witnesses.length;
          this.#call({ count: 1, operation, idempotent: true, deadlineMs: 100 });
          const witness = this.#witnesses[first]!;
          await waitFor(() => witness.settled > 0);
          return witness.error === undefined;
        },
        { what: `${operation} to be answered again` },
      );
    }
  }
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What would keep the process alive, or wake it. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

test('every call settles once and in time, is run as often as it may, and leaves nothing behind', async () => {
  const before = timers();
  await check(
    asyncProperty(
      array(array(step, { minLength: 20, maxLength: 60, size: 'max' }), { minLength: 16, maxLength: 16 }),
      async (stories) => {
        await Promise.all(stories.map((steps) => new Story().tell(steps)));
      },
    ),
    { numRuns: 3, interruptAfterTimeLimit: 20_000 },
  );
  await waitFor(() => timers() <= before, { what: 'all timers to be gone' });
});
