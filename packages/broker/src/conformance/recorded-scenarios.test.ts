import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Engine, requireNatsServer, startOurs, startReal } from './engine.ts';
import { suites } from './recorded-scenarios.ts';
import { play } from './scenario.ts';

describe('the broker answers recorded scenarios as nats-server does', () => {
  for (const suite of suites) {
    test(suite.name, async (t) => {
      const executable = await requireNatsServer(t);
      if (executable === undefined) return;
      const engines: Engine[] = [];
      t.after(() => Promise.all(engines.map((engine) => engine.stop())));
      engines.push(await startOurs(suite.options), await startReal(executable)(suite.options));
      const [ours, theirs] = engines;
      for (const { name, steps } of suite.scenarios) {
        await t.test(name, async () => {
          assert.deepEqual(await play(ours!, steps), await play(theirs!, steps));
        });
      }
    });
  }
});
