import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import fc from 'fast-check';
import { requireNatsServer, startOurs, startReal } from '../engine.ts';
import { randomScripts } from './random-script.ts';
import { play, withoutPlaces } from './script.ts';

describe('random scripts end the same on the broker and on nats-server', () => {
  for (const { name, scripts, placesDiffer } of randomScripts) {
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
      const compared = placesDiffer ? withoutPlaces : <T>(transcript: T) => transcript;
      await fc.assert(
        fc.asyncProperty(scripts, async (steps) => {
          const [own, other] = await Promise.all([play(ours!, steps), play(theirs!, steps)]);
          assert.deepEqual(compared(own), compared(other));
        }),
        { numRuns: Number(process.env.FLOTILLA_TEST_RUNS ?? 25) },
      );
    });
  }
});
