import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeFleet, WELL_BEHAVED } from '../testing/fake-fleet.ts';
import { until } from '../testing/until.ts';
import { parseStat, viewProcess } from './outside-view.ts';

/** Does `work` as soon as it is told that it is watched, in the process that is ready. */
const onPing = (work: string): string =>
  `${WELL_BEHAVED} process.once('message', () => setImmediate(() => { ${work} }));`;

const BUSY = `
  const end = Date.now() + 1_500;
  while (Date.now() < end);`;

describe('a process that does not answer', { concurrency: true }, () => {
  it('because it was stopped is killed and restarted, and its end has that reason', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ risk: WELL_BEHAVED, ledger: WELL_BEHAVED }, { liveness: { timeout: '1s' } });
    const ready = await fleet.ready();
    const from = fleet.events.length;
    const pid = ready.instances.find((each) => each.service === 'risk')?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    const { reason } = await fleet.state('risk-1', 'backoff', from);
    assert.match(reason ?? '', /^wedged: no answer for \d\.\d s/);
    if (process.platform === 'linux') assert.match(reason ?? '', /the process is stopped \(SIGSTOP\)$/);
    await fleet.state('risk-1', 'ready', from);
    assert.deepEqual(
      fleet.deaths.map((death) => death.pid),
      [pid],
      'callers are told',
    );
    const said = fleet.logs.filter((line) => line.service === 'flotilla').map((line) => line.msg);
    assert.ok(
      said.some((line) => line.startsWith('risk-1 is wedged: no answer')),
      said.join('\n'),
    );
    const { connectControl } = await import('../control/client.ts');
    const shown = await connectControl({ data: fleet.data, because: 'of this test' }).instances();
    assert.deepEqual(
      shown.map((each) => [each.instance, each.lastEnd]),
      [
        ['broker-1', null],
        ['risk-1', reason],
        ['ledger-1', null],
      ],
    );
  });

  it('because its event loop is blocked is killed and restarted', async () => {
    await using fleet = new FakeFleet();
    const once = `
      import { existsSync, writeFileSync } from 'node:fs';
      const mark = process.env.FLOTILLA_DATA + '/mark';
      ${onPing(`if (!existsSync(mark)) { writeFileSync(mark, ''); while (true); }`)}`;
    fleet.configure({ risk: once }, {}, { risk: { liveness: { timeout: '1s' } } });
    await fleet.ready();
    const { reason } = await fleet.state('risk-1', 'backoff');
    assert.match(reason ?? '', /^wedged: no answer for \d\.\d s/);
    await until('it is ready again', () => {
      const states = fleet.events.flatMap((event) => (event.type === 'state' ? event.state : []));
      return states.lastIndexOf('ready') > states.lastIndexOf('backoff');
    });
  });

  it('for a while because it is busy is left alone, again and again', async () => {
    await using fleet = new FakeFleet();
    const busy = onPing(`
      let jobs = 0;
      const work = () => {
        ${BUSY}
        if (++jobs < 4) setImmediate(work);
        else console.log('all work is done');
      };
      work();`);
    fleet.configure({ risk: busy }, { liveness: { timeout: '3s' } });
    const { instances } = await fleet.ready();
    await until('it is done', () => fleet.logs.some((line) => line.msg === 'all work is done'));
    const pid = instances.find((each) => each.service === 'risk')?.pid;
    assert.ok(fleet.run !== undefined && pid !== undefined);
    assert.ok(!fleet.events.some((event) => event.type === 'state' && event.state === 'stopping'));
  });

  it('is left alone where the configuration says so', async () => {
    await using fleet = new FakeFleet();
    fleet.configure(
      { risk: WELL_BEHAVED, ledger: WELL_BEHAVED },
      { liveness: { timeout: '1s' } },
      { risk: { liveness: false } },
    );
    const ready = await fleet.ready();
    const from = fleet.events.length;
    for (const each of ready.instances) {
      if (each.service !== 'broker') process.kill(each.pid ?? 0, 'SIGSTOP');
    }
    await fleet.state('ledger-1', 'backoff', from);
    assert.ok(
      !fleet.events.some(
        (event) => event.type === 'state' && event.instance === 'risk-1' && event.state === 'stopping',
      ),
    );
  });

  it('is the broker too', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ risk: WELL_BEHAVED }, { liveness: { timeout: '1s' } });
    const ready = await fleet.ready();
    const from = fleet.events.length;
    process.kill(ready.instances.find((each) => each.service === 'broker')?.pid ?? 0, 'SIGSTOP');
    await fleet.state('broker-1', 'backoff', from);
    await fleet.state('broker-1', 'ready', from);
  });
});

describe('the view of a process from outside', () => {
  it('shows the state of its main thread and the CPU time that this has had', {
    skip: process.platform !== 'linux',
  }, () => {
    const before = viewProcess(process.pid);
    const end = process.cpuUsage().user + 50_000;
    while (process.cpuUsage().user < end);
    const after = viewProcess(process.pid);
    assert.equal(after?.state, 'R');
    assert.ok((after?.cpuMs ?? 0) > (before?.cpuMs ?? Number.POSITIVE_INFINITY));
    assert.equal(viewProcess(2 ** 30), undefined);
  });

  it('is read whatever the process calls itself', () => {
    const stat = '7 (a) T (b) S 1 7 7 0 -1 4194304 1 0 0 0 12 30 0 0 20 0 1 0 99';
    assert.deepEqual(parseStat(stat), { state: 'S', cpuMs: 420 });
    assert.equal(parseStat('nonsense'), undefined);
  });
});
