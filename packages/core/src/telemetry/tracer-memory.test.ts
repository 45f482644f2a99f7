import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Tracer } from './tracer.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes on the heap and in buffers when nothing is left to collect. */
function used(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it('a million spans, a tenth of them failing, leave the heap as it was', () => {
  const tracer = new Tracer();
  const server = tracer.template('ledger/hold', 'server');
  const client = tracer.template('identity/verify', 'client');
  const run = (traces: number) => {
    for (let index = 0; index < traces; index++) {
      const root = server.start(undefined, index);
      const child = client.start(root, index).set('server.address', `10.0.0.${index % 256}`);
      if (index % 10 === 0) child.fail('unavailable', `attempt ${index}`);
      child.end(index + 1);
      root.set('attempt', index).end(index + 2);
    }
  };
  run(200_000);
  const before = used();
  run(300_000);
  const growth = used() - before;
  assert.equal(tracer.ended, 1_000_000);
  assert.equal(tracer.recent({ limit: 1000 }).length, 128);
  assert.ok(growth < 512 * 1024, `${growth} bytes more`);
});
