import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { platformError } from '../errors/flotilla-error.ts';
import type { PolicyRules } from '../resilience/policy-rules.ts';
import type { Dispatch } from '../rpc/channel.ts';
import { Scene } from './testing/scene.ts';

const ok: Dispatch = (_call, reply) => reply.value(Buffer.from('"ok"'));
const sick: Dispatch = (_call, reply) => reply.error(platformError('internal', 'sick'));

const scenes: Scene[] = [];
function scene(rules?: PolicyRules): Scene {
  const made = new Scene(rules);
  scenes.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(scenes.splice(0).map((each) => each.end()));
});

describe('a service that is called', () => {
  it('is not broken off for the failures of an instance that is ejected', async () => {
    const it = scene({ stock: { balancing: 'round-robin' } });
    await it.start('stock-1', sick);
    await it.start('stock-2', ok);
    const outcomes = await inTurn(60, () => it.call());
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 5);
    assert.deepEqual(it.changes, []);
  });

  it('is broken off when the instances that are left fail as well', async () => {
    const it = scene({ stock: { balancing: 'round-robin' } });
    await it.start('stock-1', sick);
    await it.start('stock-2', sick);
    await inTurn(20, () => it.call());
    assert.deepEqual(it.changes, ['closed open']);
  });

  it('holds back what it refuses as overloaded, and not what it takes: the operations of higher priority', async () => {
    const it = scene({ stock: { retry: { attempts: 1 } } });
    await it.start('stock-1', (call, reply) => {
      if (call.operation === 'stock.take') reply.value(Buffer.from('"ok"'));
      else reply.error(platformError('overloaded', 'too much', { data: { executed: 'no' } }));
    });
    await inTurn(100, () => it.call({}, 'stock.audit'));
    const outcomes = await inTurn(100, () => it.call({}, 'stock.take'));
    assert.ok(outcomes.every(({ status }) => status === 'fulfilled'));
    assert.ok(it.service.operation('stock.audit').throttle.refusalChance(performance.now()) > 0.5);
  });

  it('has the time that a rule gives, also where its caller has more', async () => {
    const it = scene({ 'stock.take': { deadlineMs: 40 } });
    const budgets: number[] = [];
    await it.start('stock-1', (call, reply) => {
      budgets.push(call.remainingMs() ?? Number.POSITIVE_INFINITY);
      reply.value(Buffer.from('"ok"'));
    });
    await it.call();
    await it.call({ deadlineMs: 5_000 });
    await it.call({ deadlineMs: 20 });
    assert.ok(budgets[0]! <= 40 && budgets[1]! <= 40 && budgets[2]! <= 20, budgets.join());
    await it.call({ deadlineMs: 5_000 }, 'stock.audit');
    assert.ok(budgets[3]! > 4_000, budgets.join());
  });

  it('is balanced and hedged as the operation’s own policy says', async () => {
    const it = scene({ 'stock.take': { balancing: 'round-robin' }, stock: { hedge: { budget: 1 } } });
    const asked: string[] = [];
    let hangs = false;
    const answering =
      (instance: string): Dispatch =>
      (_call, reply) => {
        asked.push(instance);
        if (!hangs || instance === 'stock-2') reply.value(Buffer.from('"ok"'));
      };
    await it.start('stock-1', answering('stock-1'));
    await it.start('stock-2', answering('stock-2'));
    await inTurn(40, () => it.call({ idempotent: true }));
    const first = asked.filter((instance) => instance === 'stock-1').length;
    assert.ok(first >= 18 && first <= 22, `${first} of 40 calls went to the first of two instances`);
    it.changePolicies({ 'stock.take': { hedge: { enabled: true, quantile: 0.5 } } });
    await inTurn(20, () => it.call({ idempotent: true }));
    hangs = true;
    await inTurn(10, () => it.call({ idempotent: true }));
    const hedges = it.metric('flotilla_client_attempts_total{kind="hedge"');
    assert.ok(Number(hedges[0]?.split(' ').at(-1)) >= 4, hedges.join());
  });
});

/** One after the other. */
async function inTurn(count: number, work: () => Promise<unknown>): Promise<PromiseSettledResult<unknown>[]> {
  const outcomes: PromiseSettledResult<unknown>[] = [];
  for (let n = 0; n < count; n++) outcomes.push(...(await Promise.allSettled([work()])));
  return outcomes;
}
