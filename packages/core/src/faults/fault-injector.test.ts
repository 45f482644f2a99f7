import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { LogFields, Logger } from '../telemetry/log.ts';
import { silentLogger } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { Tracer } from '../telemetry/tracer.ts';
import type { Fault } from './fault.ts';
import { FaultInjector } from './fault-injector.ts';
import { parseFaultEffect, parseFaultTarget } from './fault-text.ts';

function fault(id: string, target: string, effect: string, expiresAt: number): Fault {
  return { ...parseFaultEffect(effect), id, target: parseFaultTarget(target), expiresAt };
}

function injector(instance = 'ledger-1') {
  const lines: [string, LogFields | undefined][] = [];
  const burnt: number[] = [];
  const log: Logger = { ...silentLogger, warn: (message, fields) => lines.push([message, fields]) };
  const metrics = new Metrics();
  const subject = new FaultInjector({
    identity: { service: instance.replace(/-\d+$/, ''), instance },
    log,
    metrics,
    tracer: new Tracer({ capacity: 16 }),
    burner: { set: (share) => burnt.push(share) },
  });
  return { subject, lines, metrics, burnt };
}

describe('the injector of a process', () => {
  it('has the faults of its service, its instance and the edges that begin here, and no others', () => {
    const { subject } = injector();
    const targets = ['ledger', 'ledger-1', 'ledger->bank', 'ledger-1->bank'];
    const others = ['risk', 'ledger-2', 'risk->ledger', 'ledger-2->bank'];
    subject.set([...targets, ...others].map((target) => fault(target, target, 'error', Date.now() + 60_000)));
    assert.deepEqual(
      subject.active.map(({ id }) => id),
      targets,
    );
    subject.close();
  });

  it('leaves signals to the supervisor', () => {
    const { subject, lines } = injector();
    subject.set([
      fault('a', 'ledger', 'pause', Date.now() + 60_000),
      fault('b', 'ledger', 'kill', Date.now() + 60_000),
    ]);
    assert.deepEqual([subject.active.length, lines.length], [0, 0]);
  });

  it('ends each fault at its own time, exactly', (context) => {
    context.after(() => mock.timers.reset());
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
    const { subject, lines } = injector();
    const seen: string[][] = [];
    subject.attach({ faultsChanged: (active) => seen.push(active.map(({ id }) => id)) });
    subject.set([fault('a', 'ledger', 'error', 1_000_300), fault('b', 'ledger', 'latency=1s', 1_000_200)]);
    mock.timers.tick(199);
    assert.deepEqual(seen, [['a', 'b']]);
    mock.timers.tick(1);
    assert.deepEqual(seen, [['a', 'b'], ['a']]);
    mock.timers.tick(100);
    assert.deepEqual(seen, [['a', 'b'], ['a'], []]);
    assert.deepEqual(
      lines.map(([message, fields]) => [message, fields?.fault, fields?.why]),
      [
        ['a fault begins here', 'a', undefined],
        ['a fault begins here', 'b', undefined],
        ['a fault has ended here', 'b', 'its time is over'],
        ['a fault has ended here', 'a', 'its time is over'],
      ],
    );
  });

  it('tells a place that comes later of what there is, and one that has gone of nothing', () => {
    const { subject } = injector();
    let changes = 0;
    const site = { faultsChanged: () => changes++ };
    subject.set([fault('a', 'ledger', 'error', Date.now() + 60_000)]);
    const detach = subject.attach(site);
    assert.equal(changes, 1);
    detach();
    subject.close();
    assert.equal(changes, 1);
  });

  it('counts what was hit, per kind and target, and says so at the end', () => {
    const { subject, lines, metrics } = injector();
    const one = fault('a', 'ledger', 'error', Date.now() + 60_000);
    subject.set([one]);
    subject.hit(one);
    subject.hit(one);
    assert.match(metrics.render(), /flotilla_faults_injected_total\{kind="error",target="ledger"\} 2/);
    subject.close();
    subject.hit(one);
    assert.equal(lines.at(-1)?.[1]?.injected, 2);
    assert.equal(lines.at(-1)?.[1]?.why, 'cleared');
  });

  it('burns what all its faults of this kind burn together, and stops', () => {
    const { subject, burnt } = injector();
    const end = Date.now() + 60_000;
    subject.set([fault('a', 'ledger', 'cpu=30%', end), fault('b', 'ledger-1', 'cpu=40%', end)]);
    subject.set([fault('b', 'ledger-1', 'cpu=40%', end)]);
    subject.close();
    assert.deepEqual(
      burnt.map((share) => Math.round(share * 100)),
      [70, 40, 0],
    );
  });

  it('shortens what asks for more than an hour', () => {
    const { subject } = injector();
    const now = Date.now();
    subject.set([fault('a', 'ledger', 'error', now + 7_200_000)]);
    assert.ok(subject.active[0]!.expiresAt <= now + 3_600_000 + 1_000);
    subject.close();
  });
});
