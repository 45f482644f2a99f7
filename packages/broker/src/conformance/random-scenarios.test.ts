import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Engine, requireNatsServer, startOurs, startReal } from './engine.ts';
import { play, type Step } from './scenario.ts';

const CLIENTS = ['a', 'b', 'c', 'd'];

const client = fc.constantFrom(...CLIENTS);
const sid = fc.integer({ min: 1, max: 5 });
const token = fc.constantFrom('x', 'y', 'z');
const subject = fc.array(token, { minLength: 1, maxLength: 3 }).map((tokens) => tokens.join('.'));
const pattern = fc
  .tuple(fc.array(fc.constantFrom('x', 'y', 'z', '*'), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, tail]) => [...tokens, ...(tail ? ['>'] : [])].join('.'));
const reply = fc.constantFrom('', 'in.1', 'x', 'y.z');
const body = fc.string({ unit: 'binary-ascii', maxLength: 30 });

/**
 * Nobody is pedantic here: nats-server reports an invalid publish subject once more when the payload happens to span
 * two of its reads.
 */
const connect = fc
  .record({ verbose: fc.boolean(), pedantic: fc.constant(false), echo: fc.boolean(), headers: fc.boolean() })
  .chain((options) => fc.boolean().map((asked) => ({ ...options, no_responders: options.headers && asked })))
  .map((options) => `CONNECT ${JSON.stringify(options)}\r\n`);

const publish = fc
  .tuple(fc.oneof({ weight: 9, arbitrary: subject }, { weight: 1, arbitrary: pattern }), reply, body)
  .map(([to, back, text]) => `PUB ${to} ${back === '' ? '' : `${back} `}${text.length}\r\n${text}\r\n`);

/** Group members have ids of their own: which member a message reaches is open, so they get no maximum. */
const operation = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(pattern, sid).map(([to, id]) => `SUB ${to} ${id}\r\n`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(pattern, fc.constantFrom('q', 'r'), sid)
      .map(([to, q, id]) => `SUB ${to} ${q} ${q}${id}\r\n`),
  },
  { weight: 1, arbitrary: fc.tuple(sid, fc.nat(3)).map(([id, max]) => `UNSUB ${id} ${max}\r\n`) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('', 'q', 'r'), sid).map(([group, id]) => `UNSUB ${group}${id}\r\n`),
  },
  { weight: 8, arbitrary: publish },
);

const scenario = fc
  .tuple(
    fc.tuple(connect, connect, connect, connect),
    fc.array(fc.tuple(client, fc.array(operation, { minLength: 1, maxLength: 6 })), {
      minLength: 3,
      maxLength: 15,
    }),
  )
  .map(([connects, turns]): Step[] => [
    ...CLIENTS.map((name, index) => ({ client: name, send: connects[index]! })),
    ...turns.map(([name, operations]) => ({ client: name, send: operations.join('') })),
  ]);

test('random sessions of several clients end the same on the broker and on nats-server', async (t) => {
  const executable = await requireNatsServer(t);
  if (executable === undefined) return;
  const engines: Engine[] = [];
  t.after(() => Promise.all(engines.map((engine) => engine.stop())));
  engines.push(await startOurs({}), await startReal(executable)({}));
  const [ours, theirs] = engines;
  await fc.assert(
    fc.asyncProperty(scenario, async (steps) => {
      assert.deepEqual(await play(ours!, steps), await play(theirs!, steps));
    }),
    { numRuns: Number(process.env.FLOTILLA_TEST_RUNS ?? 60) },
  );
});
