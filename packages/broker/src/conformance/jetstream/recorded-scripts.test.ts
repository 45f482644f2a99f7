import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { requireNatsServer, startOurs, startReal } from '../engine.ts';
import { recordedScripts } from './recorded-scripts.ts';
import { play } from './script.ts';

describe('the broker answers recorded scripts as nats-server does', { concurrency: 4 }, () => {
  for (const { name, steps } of recordedScripts) {
    test(name, async (t) => {
      const executable = await requireNatsServer(t);
      if (executable === undefined) return;
      const [ours, theirs] = await Promise.all(
        [startOurs, startReal(executable)].map(async (start) => {
          const engine = await start({ jetstream: true });
          t.after(() => engine.stop());
          const client = await connect({ servers: `127.0.0.1:${engine.port}` });
          t.after(() => client.close());
          return client;
        }),
      );
      assert.deepEqual(await play(ours!, steps), await play(theirs!, steps));
    });
  }
});
