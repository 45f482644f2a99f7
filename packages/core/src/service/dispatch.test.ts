import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { contract, operation, stream } from '../contract/index.ts';
import { platformError } from '../errors/index.ts';
import { attempt } from '../rpc/client.ts';
import { TestFleet } from '../testing/test-fleet.ts';
import { waitFor } from '../testing/wait-for.ts';
import { service } from './service.ts';

const Inner = contract('inner', {
  fail: operation({ input: z.object({ code: z.enum(['not_found', 'unavailable']) }) }),
  declared: operation({ errors: { broke: z.object({ by: z.string() }) } }),
});

const inner = service(Inner, {
  operations: {
    fail({ code }) {
      throw platformError(code, 'inner says no');
    },
    declared() {
      throw Inner.declared.error('broke', { by: 'me' });
    },
  },
});

const Outer = contract('outer', {
  crash: operation(),
  lie: operation({ output: z.object({ n: z.number() }) }),
  relay: operation({ input: z.object({ code: z.enum(['not_found', 'unavailable']) }) }),
  relayDeclared: operation(),
  missing: operation(),
  guarded: operation({ access: 'things:write' }),
  slow: operation(),
  repeat: operation({ output: z.string() }),
  count: operation({ output: stream(z.int()) }),
  broken: operation({ output: stream(z.int()) }),
  nap: operation({ output: stream(z.int()) }),
});

const events: string[] = [];

const outer = service(Outer, {
  uses: { Inner },
  operations: {
    crash() {
      throw new TypeError('password=hunter2 in a stack trace');
    },
    lie: () => ({ n: 'one' }) as unknown as { n: number },
    relay: async ({ code }, { clients }) => {
      await clients.Inner.fail({ code });
      return null;
    },
    relayDeclared: async (_input, { clients }) => {
      await clients.Inner.declared();
      return null;
    },
    missing() {
      throw platformError('not_found', 'there is no such thing');
    },
    guarded() {},
    slow: (_input, { signal }) =>
      new Promise<null>((resolve) => {
        signal.addEventListener('abort', () => {
          events.push(`slow: ${(signal.reason as { code: string }).code}`);
          resolve(null);
        });
      }),
    repeat(_input, ctx) {
      ctx.replayed();
      return ctx.caller.service;
    },
    async *count(_input, { signal }) {
      try {
        for (let n = 0; ; n++) {
          yield n;
          if (signal.aborted) return;
        }
      } finally {
        events.push('count ended');
      }
    },
    async *broken() {
      yield 1;
      yield 'two' as unknown as number;
    },
    async *nap(_input, { signal }) {
      yield 1;
      await sleep(600_000, undefined, { signal });
    },
  },
});

async function withFleet(work: (fleet: TestFleet) => Promise<void>): Promise<void> {
  const fleet = new TestFleet();
  await fleet.start(inner, outer);
  await work(fleet).finally(() => fleet.stop());
}

test('what a handler throws by mistake stays inside: the caller learns nothing of it', () =>
  withFleet(async (fleet) => {
    const result = await attempt(fleet.client(Outer).crash());
    assert.ok(!result.ok && result.error.code === 'internal');
    assert.doesNotMatch(JSON.stringify(result.error), /hunter2|TypeError/);
  }));

test('an answer that breaks the contract is not sent', () =>
  withFleet(async (fleet) => {
    await assert.rejects(fleet.client(Outer).lie(), { code: 'internal' });
  }));

test('a platform error raised here goes as it is', () =>
  withFleet(async (fleet) => {
    await assert.rejects(fleet.client(Outer).missing(), {
      code: 'not_found',
      message: 'there is no such thing',
    });
  }));

test("a dependency's refusal is not this service's answer, but its being away is", () =>
  withFleet(async (fleet) => {
    await assert.rejects(fleet.client(Outer).relay({ code: 'not_found' }), { code: 'internal' });
    await assert.rejects(fleet.client(Outer).relayDeclared(), { code: 'internal' });
    await assert.rejects(fleet.client(Outer).relay({ code: 'unavailable' }), { code: 'unavailable' });
  }));

test('whatever becomes of a failure that a dependency had, the caller can tell whose it was', () =>
  withFleet(async (fleet) => {
    const relayed = { data: { relayed: true } };
    await assert.rejects(fleet.client(Outer).relay({ code: 'not_found' }), { code: 'internal', ...relayed });
    await assert.rejects(fleet.client(Outer).relay({ code: 'unavailable' }), relayed);
    const own = await attempt(fleet.client(Outer).crash());
    assert.ok(!own.ok && own.error.data === undefined);
  }));

test('scopes of an end user are checked again by the service', () =>
  withFleet(async (fleet) => {
    const client = fleet.client(Outer);
    await client.guarded({}, { user: { subject: 'ann', scopes: ['things:write'] } });
    await assert.rejects(client.guarded({}, { user: { subject: 'bob', scopes: ['things:read'] } }), {
      code: 'permission_denied',
      message: /things:write/,
    });
  }));

test('a deadline aborts the handler', () =>
  withFleet(async (fleet) => {
    await assert.rejects(fleet.client(Outer).slow({}, { deadlineMs: 30 }), { code: 'deadline_exceeded' });
    // The caller's own clock may have been first: then it is a cancel that arrives.
    await waitFor(() => events.some((event) => /slow: (deadline_exceeded|cancelled)/.test(event)));
  }));

test('a caller that gives up aborts the handler', () =>
  withFleet(async (fleet) => {
    events.length = 0;
    const giveUp = new AbortController();
    const call = fleet.client(Outer).slow({}, { signal: giveUp.signal });
    setImmediate(() => giveUp.abort());
    await assert.rejects(call, { code: 'cancelled' });
    await waitFor(() => events.includes('slow: cancelled'));
  }));

test('a stream that is left ends its generator', () =>
  withFleet(async (fleet) => {
    events.length = 0;
    for await (const n of fleet.client(Outer).count()) if (n === 100) break;
    await waitFor(() => events.includes('count ended'));
  }));

test('a drained service ends its streams with unavailable', () =>
  withFleet(async (fleet) => {
    let draining: Promise<void> | undefined;
    await assert.rejects(
      async () => {
        for await (const n of fleet.client(Outer).count()) {
          if (n === 100) draining = fleet.drain(Outer);
        }
      },
      { code: 'unavailable' },
    );
    await draining;
  }));

test('a handler that is torn from its sleep by its signal fails for the reason that the signal has', () =>
  withFleet(async (fleet) => {
    let draining: Promise<void> | undefined;
    await assert.rejects(
      async () => {
        for await (const _ of fleet.client(Outer).nap()) draining = fleet.drain(Outer);
      },
      { code: 'unavailable' },
    );
    await draining;
  }));

test('an item that breaks the contract ends the stream', () =>
  withFleet(async (fleet) => {
    const seen: number[] = [];
    await assert.rejects(
      async () => {
        for await (const n of fleet.client(Outer).broken()) seen.push(n);
      },
      { code: 'internal' },
    );
    assert.deepEqual(seen, [1]);
  }));

test('unknown operations, wrong kinds and broken JSON are refused', () =>
  withFleet(async (fleet) => {
    const send = (operation: string, payload: string) =>
      fleet.call('outer', operation, Buffer.from(payload), {});
    await assert.rejects(send('outer.nothing', '{}'), { code: 'unimplemented' });
    await assert.rejects(send('outer.repeat', '{"a":'), { code: 'invalid_argument', message: /not JSON/ });
    await assert.rejects(send('outer.repeat', '{"a":1}'), { code: 'invalid_argument' });
    await assert.rejects(send('outer.count', '{}'), { code: 'invalid_argument', message: /is a stream/ });
    const described = await send('outer.$contract', '{}');
    assert.equal(JSON.parse(described.payload.toString()).service, 'outer');
    assert.equal((await send('outer.repeat', '{}')).replayed, true);
  }));

test('a service must handle exactly its operations', () => {
  const Two = contract('two', { one: operation(), other: operation() });
  assert.throws(() => service(Two, { operations: { one() {} } as never }), {
    message: /'other' has no handler/,
  });
  assert.throws(() => service(Two, { operations: { one() {}, other() {}, third() {} } as never }), {
    message: /'third' has no operation/,
  });
});
