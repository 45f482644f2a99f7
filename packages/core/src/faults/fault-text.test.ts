import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type PlatformCode, platformCodes } from '../errors/platform-codes.ts';
import { type FaultEffect, type FaultTarget, faultSchema, isEdge, misfit } from './fault.ts';
import {
  formatFaultEffect,
  formatFaultTarget,
  parseFaultEffect,
  parseFaultTarget,
  parseFaultTime,
} from './fault-text.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const operation = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,10}$/);
const instance = fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/);
const number = fc.integer({ min: 1, max: 99 });

const plain = { noNullPrototype: true };

const targets: fc.Arbitrary<FaultTarget> = fc.oneof(
  fc.record({ service: name }, plain),
  fc.record({ service: name, instance }, plain),
  fc.tuple(name, number).map(([service, n]) => ({ service, instance: `${service}-${n}` })),
  fc.record({ from: name, to: name }, plain),
  fc.record({ from: name, to: name, operation }, plain),
);

const thousandths = (max: number) => fc.integer({ min: 0, max: max * 1000 }).map((n) => n / 1000);
const share = fc.integer({ min: 1, max: 1_000_000 }).map((n) => n / 1_000_000);
const rate = fc.option(share, { nil: undefined });
const latency = fc.oneof(thousandths(2_000), fc.integer({ min: 0, max: 600_000 }));
const code = fc.constantFrom(...(Object.keys(platformCodes) as PlatformCode[]));

const effects: fc.Arbitrary<FaultEffect> = fc.oneof(
  fc
    .tuple(latency, fc.option(fc.integer({ min: 0, max: 1000 }), { nil: undefined }), rate)
    .map(([latencyMs, part, rate]) => {
      const jitterMs = part === undefined ? undefined : Math.round(latencyMs * part) / 1000;
      return compact({ kind: 'latency', latencyMs, jitterMs, rate });
    }),
  fc.record({ code, rate }, plain).map((given) => compact({ kind: 'error', ...given })),
  rate.map((rate) => compact({ kind: 'reset', rate })),
  share.map((cpu): FaultEffect => ({ kind: 'cpu', cpu })),
  fc.constantFrom('blackhole', 'pause', 'kill').map((kind): FaultEffect => ({ kind })),
);

/** Without the members that are undefined. */
function compact(effect: FaultEffect): FaultEffect {
  return JSON.parse(JSON.stringify(effect)) as FaultEffect;
}

function fails(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'invalid_argument');
    return (error as Error).message;
  }
  assert.fail('it was accepted');
}

describe('the text of a fault', () => {
  it('is read back as the target that it was made of', () => {
    fc.assert(
      fc.property(targets, (target) => {
        assert.deepEqual(parseFaultTarget(formatFaultTarget(target)), target);
      }),
    );
  });

  it('is read back as the effect that it was made of', () => {
    fc.assert(
      fc.property(effects, (effect) => {
        assert.deepEqual(parseFaultEffect(formatFaultEffect(effect)), effect);
      }),
    );
  });

  it('gives faults that other processes accept', () => {
    fc.assert(
      fc.property(targets, effects, (target, effect) => {
        const fault = { ...effect, id: 'f1', target, expiresAt: 1 };
        const accepted = faultSchema.safeParse(JSON.parse(JSON.stringify(fault))).success;
        assert.equal(accepted, misfit(effect.kind, target) === undefined);
      }),
    );
  });
});

describe('a target', () => {
  it('is a service, an instance, or an edge with or without an operation', () => {
    assert.deepEqual(parseFaultTarget('ledger'), { service: 'ledger' });
    assert.deepEqual(parseFaultTarget('ledger-2'), { service: 'ledger', instance: 'ledger-2' });
    assert.deepEqual(parseFaultTarget('ledger/main'), { service: 'ledger', instance: 'main' });
    for (const text of ['risk->ledger', 'risk→ledger', 'risk:ledger']) {
      assert.deepEqual(parseFaultTarget(text), { from: 'risk', to: 'ledger' });
    }
    assert.deepEqual(parseFaultTarget('risk->ledger.hold'), {
      from: 'risk',
      to: 'ledger',
      operation: 'hold',
    });
    assert.deepEqual(parseFaultTarget('risk-1->ledger-2'), { from: 'risk-1', to: 'ledger-2' });
  });

  it('that looks like an instance is the service of that name where there is one', () => {
    assert.deepEqual(parseFaultTarget('area-51', ['area-51', 'area']), { service: 'area-51' });
    assert.deepEqual(parseFaultTarget('area-51', ['area']), { service: 'area', instance: 'area-51' });
    assert.deepEqual(parseFaultTarget('area-51/*'), { service: 'area-51' });
    assert.deepEqual(parseFaultTarget('area-51-2', ['area-51']), {
      service: 'area-51',
      instance: 'area-51-2',
    });
  });

  it('must be of this fleet, where the fleet is known', () => {
    const known = ['ledger', 'risk'];
    assert.match(
      fails(() => parseFaultTarget('leger', known)),
      /no service 'leger'.*ledger, risk/,
    );
    assert.match(
      fails(() => parseFaultTarget('risk->leger-1', known)),
      /no service 'leger'/,
    );
    assert.match(
      fails(() => parseFaultTarget('web-1', known)),
      /no service 'web'/,
    );
    assert.ok(isEdge(parseFaultTarget('risk-2->ledger', known)));
  });

  it('that is none is refused with what one looks like', () => {
    for (const text of [
      '',
      'Ledger',
      'a b',
      'risk->',
      '->ledger',
      'risk->ledger.',
      'risk->ledger.a-b',
      'a/',
      'a/b c',
      'ledger.hold',
    ]) {
      assert.match(
        fails(() => parseFaultTarget(text)),
        /not a target: use a service/,
        text,
      );
    }
  });
});

describe('an effect', () => {
  it('has its jitter in the unit of its latency, unless it has its own', () => {
    const expected = { kind: 'latency', latencyMs: 200, jitterMs: 50 };
    for (const text of [
      'latency=200ms±50',
      'latency=200ms+-50',
      'latency=200ms+/-50ms',
      'latency=0.2s±50ms',
    ]) {
      assert.deepEqual(parseFaultEffect(text), expected, text);
    }
    assert.deepEqual(parseFaultEffect('latency=2s±1:30%'), {
      kind: 'latency',
      latencyMs: 2_000,
      jitterMs: 1_000,
      rate: 0.3,
    });
  });

  it('has shares as a percentage or as a number', () => {
    assert.deepEqual(parseFaultEffect('error=overloaded:30%'), {
      kind: 'error',
      code: 'overloaded',
      rate: 0.3,
    });
    assert.deepEqual(parseFaultEffect('error'), { kind: 'error', code: 'unavailable' });
    assert.deepEqual(parseFaultEffect('reset:0.05'), { kind: 'reset', rate: 0.05 });
    assert.deepEqual(parseFaultEffect('cpu=80%'), { kind: 'cpu', cpu: 0.8 });
  });

  it('that is wrong is refused with how it is written', () => {
    const wrong: [string, RegExp][] = [
      ['slow', /not a fault: use latency=200ms/],
      ['', /not a fault/],
      ['latency', /latency=200ms/],
      ['latency=200', /latency=200ms/],
      ['latency=200ms±x', /latency=200ms±50ms/],
      ['latency=100ms±200', /larger than its latency/],
      ['latency=1h', /use blackhole/],
      ['error=nope', /not a platform code: use one of invalid_argument/],
      ['error=unavailable:0%', /above 0% and up to 100%/],
      ['error=unavailable:101%', /above 0% and up to 100%/],
      ['cpu', /cpu=80%/],
      ['cpu=150%', /up to 100%/],
      ['cpu=50%:20%', /takes no rate: .* should be 'cpu'/],
      ['blackhole=1', /takes no value/],
      ['blackhole:20%', /takes no rate/],
      ['pause=1', /takes no value/],
      ['kill:5%', /takes no rate/],
      ['reset=1', /takes no value/],
    ];
    for (const [text, message] of wrong) {
      assert.match(
        fails(() => parseFaultEffect(text)),
        message,
        text,
      );
    }
  });

  it('that happens to a process is refused for an edge', () => {
    const edge = { from: 'risk', to: 'ledger' };
    for (const text of ['cpu=50%', 'pause', 'kill']) {
      assert.match(
        fails(() => parseFaultEffect(text, edge)),
        /name a service or an instance instead, such as ledger/,
      );
      assert.ok(parseFaultEffect(text, { service: 'ledger' }));
    }
    assert.match(
      fails(() => parseFaultEffect('blackhole', { ...edge, operation: 'hold' })),
      /a whole connection/,
    );
    assert.ok(parseFaultEffect('blackhole', edge));
  });
});

describe('the time of a fault', () => {
  it('is 60 s unless said otherwise, and an hour at most', () => {
    assert.deepEqual(
      [undefined, '500ms', '90s', '5m', '1h', '1.5s'].map((text) => parseFaultTime(text)),
      [60_000, 500, 90_000, 300_000, 3_600_000, 1_500],
    );
    for (const text of ['', '0s', '60', '-5s', 'forever', '1d']) {
      assert.match(
        fails(() => parseFaultTime(text)),
        /not a time: use/,
        text,
      );
    }
    assert.match(
      fails(() => parseFaultTime('61m')),
      /at most 1h/,
    );
  });
});

describe('a fault from another process', () => {
  const fault = { id: 'f1', target: { service: 'ledger' }, expiresAt: 5, kind: 'error', code: 'unavailable' };

  it('is refused when something in it is wrong or unknown', () => {
    assert.ok(faultSchema.safeParse(fault).success);
    for (const change of [
      { id: '' },
      { target: { service: '' } },
      { target: { service: 'a', to: 'b' } },
      { kind: 'latency' },
      { kind: 'meteor' },
      { code: 'toString' },
      { rate: 2 },
      { expiresAt: 'soon' },
      { more: 1 },
    ]) {
      assert.equal(faultSchema.safeParse({ ...fault, ...change }).success, false, JSON.stringify(change));
    }
  });
});
