import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

const fixtures = join(import.meta.dirname, 'fixtures');
const runModule = join(import.meta.dirname, 'run.ts');

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly messages: readonly { readonly type: string; readonly code?: string; readonly message?: string }[];
}

/** Runs a module under a supervisor that does `act` once the process is ready, and waits for its end. */
async function supervise(
  module: string,
  args: readonly string[],
  options: { act?: (child: ChildProcess) => void; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const { FLOTILLA_SECRET: _, FLOTILLA_SECRET_FILE: __, ...inherited } = process.env;
  const child = fork(module, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
    env: { ...inherited, ...options.env },
  });
  const messages: { type: string }[] = [];
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  child.on('message', (message: { type: string }) => {
    messages.push(message);
    if (message.type === 'ready') options.act?.(child);
  });
  // Not `close`: it does not come after a disconnect.
  const [code] = (await Promise.all([
    once(child, 'exit'),
    once(child.stdout!, 'close'),
    once(child.stderr!, 'close'),
  ]).then(([exit]) => exit)) as [number | null];
  return { code, output, messages };
}

const probe = join(fixtures, 'lifetime-process.ts');

test('SIGTERM ends it cleanly', async () => {
  const { code, output } = await supervise(probe, [], { act: (child) => child.kill('SIGTERM') });
  assert.equal(code, 0);
  assert.match(output, /cleaned up/);
});

test('Ctrl-C is left to the supervisor, which then ends it', async () => {
  const { code, output } = await supervise(probe, [], {
    act(child) {
      child.kill('SIGINT');
      setImmediate(() => child.kill('SIGTERM'));
    },
  });
  assert.equal(code, 0);
  assert.match(output, /"reason":"SIGTERM"/);
});

test('when the supervisor is gone it ends by itself', async () => {
  const { code, output } = await supervise(probe, [], { act: (child) => child.disconnect() });
  assert.equal(code, 0);
  assert.match(output, /the supervisor is gone/);
  assert.match(output, /cleaned up/);
});

test('it answers the pings of its supervisor, each by its id', async () => {
  const { messages } = await supervise(probe, [], {
    act(child) {
      child.send({ type: 'ping', id: 7 });
      child.send({ type: 'ping', id: 8 });
      child.on('message', (message: { type: string; id?: number }) => {
        if (message.id === 8) child.kill('SIGTERM');
      });
    },
  });
  const pongs = messages.filter((message) => message.type === 'pong');
  assert.deepEqual(pongs, [
    { type: 'pong', id: 7 },
    { type: 'pong', id: 8 },
  ]);
});

test('a late listener hears the document that holds, and every good one after it', async () => {
  const { output } = await supervise(probe, ['reports-control'], {
    act(child) {
      const first = { breakers: { ledger: 'open' } };
      for (const document of [first, 'nonsense', { breakers: {} }]) child.send({ type: 'control', document });
      child.send({ type: 'ping', id: 1 });
      child.on('message', (message: { type: string }) => {
        if (message.type === 'pong') child.kill('SIGTERM');
      });
    },
  });
  const heard = [...output.matchAll(/"breakers":(\{.*?\})/g)].map(([, breakers]) => breakers);
  assert.deepEqual(heard, ['{"ledger":"open"}', '{}']);
  assert.match(output, /ignored a control document that is not one/);
});

test('a failed start is told to the supervisor and is exit code 1', async () => {
  const { code, messages } = await supervise(probe, ['fails-to-start']);
  assert.equal(code, 1);
  assert.equal(messages[0]?.type, 'fatal');
  assert.match(messages[0]!.message!, /no luck today/);
});

test('a rejection that nobody handles ends it loudly', async () => {
  const { code, output, messages } = await supervise(probe, ['rejects-later']);
  assert.equal(code, 1);
  assert.match(output, /nobody waits for me/);
  assert.equal(messages.at(-1)?.type, 'fatal');
});

test('an unclean stop is exit code 1', async () => {
  const { code, output } = await supervise(probe, ['fails-to-stop'], {
    act: (child) => child.kill('SIGTERM'),
  });
  assert.equal(code, 1);
  assert.match(output, /the door is stuck/);
});

const starts: readonly [string, string[], NodeJS.ProcessEnv, RegExp][] = [
  ['no module', [], {}, /name the module of the service/],
  ['a module that is not there', ['./nowhere.ts'], {}, /nowhere\.ts/],
  ['a module that exports no service', [join(fixtures, 'not-a-service.ts')], {}, /must export a service/],
  ['no secret', [join(fixtures, 'picky-service.ts')], {}, /no fleet secret/],
  [
    'a wrong configuration',
    [join(fixtures, 'picky-service.ts')],
    { FLOTILLA_SECRET: 'long enough for a secret' },
    /STARTING_CASH is not set[\s\S]*HOME_TOWN is not set/,
  ],
];

for (const [what, args, env, expected] of starts) {
  test(`a service process with ${what} says so and ends with code 1`, async () => {
    const { code, messages } = await supervise(runModule, args, { env });
    assert.equal(code, 1);
    assert.match(messages.at(-1)?.message ?? '', expected);
  });
}

test('the log has a stack for a defect, and none for what the operator can repair', async () => {
  const defect = await supervise(probe, ['fails-to-start']);
  assert.match(defect.output, /no luck today.*"stack"/);
  const env = { FLOTILLA_SECRET: 'long enough for a secret' };
  const mistake = await supervise(runModule, [join(fixtures, 'picky-service.ts')], { env });
  assert.match(mistake.output, /STARTING_CASH is not set/);
  assert.doesNotMatch(mistake.output, /"stack"/);
});
