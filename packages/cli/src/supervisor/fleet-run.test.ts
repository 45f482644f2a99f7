import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readRecord } from '../data/fleet-record.ts';
import { layoutOf } from '../data/layout.ts';
import { Failure } from '../failure.ts';
import { FakeFleet, QUICK, WELL_BEHAVED } from '../testing/fake-fleet.ts';
import { processOf, until } from '../testing/until.ts';

const ENVIRONMENT = `
  import { writeFileSync } from 'node:fs';
  writeFileSync(process.env.FLOTILLA_DATA + '/environment.json', JSON.stringify({ env: process.env, argv: process.argv }));
  ${WELL_BEHAVED}`;

function pidsOf(fleet: FakeFleet): number[] {
  return readRecord(layoutOf(fleet.data).recordFile)?.children.map((child) => child.pid) ?? [];
}

describe('a running fleet', () => {
  it('reports every process when it is ready, broker included', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED }, {}, { stock: { replicas: 2 } });
    const ready = await fleet.ready();
    const [broker, ...stock] = ready.instances;
    assert.equal(broker?.service, 'broker');
    assert.match(broker?.address ?? '', /^nats:/);
    assert.deepEqual(
      stock.map(({ pid, ...rest }) => {
        assert.ok(pid !== null && processOf(pid) !== undefined);
        return rest;
      }),
      ['stock-1', 'stock-2'].map((instance) => ({
        service: 'stock',
        instance,
        state: 'ready',
        restarts: 0,
        version: '1.2.3',
        address: 'tcp://127.0.0.1:1',
        admin: null,
        lastEnd: null,
      })),
    );
  });

  it('gives each process its environment, and the secret only as a file', async () => {
    await using fleet = new FakeFleet();
    const secret = 'a-secret-of-enough-length';
    fleet.configure(
      { stock: ENVIRONMENT },
      { env: { SHARED: 'fleet', COUNT: 3 } },
      { stock: { env: { SHARED: 'service', FLAG: true } } },
    );
    const shell = {
      ...process.env,
      FLOTILLA_SECRET: secret,
      FLOTILLA_BROKER_PORT: '',
      SHARED: 'shell',
      OTHER: 'shell',
    };
    await fleet.ready({ env: shell });
    const file = join(fleet.data, 'services/stock/environment.json');
    const text = readFileSync(file, 'utf8');
    assert.ok(!text.includes(secret));
    const { env } = JSON.parse(text);
    assert.deepEqual([env.SHARED, env.COUNT, env.FLAG, env.OTHER], ['service', '3', 'true', 'shell']);
    assert.deepEqual(
      [env.FLOTILLA_FLEET, env.FLOTILLA_SERVICE, env.FLOTILLA_INSTANCE, env.FLOTILLA_HOST],
      ['fake', 'stock', 'stock-1', '127.0.0.1'],
    );
    assert.match(env.NATS_URL, /^nats:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(readFileSync(env.FLOTILLA_SECRET_FILE, 'utf8'), secret);
    assert.equal(statSync(env.FLOTILLA_SECRET_FILE).mode & 0o777, 0o600);
  });

  it('uses an external NATS server instead of its broker, and shows no credentials of it', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: ENVIRONMENT });
    const natsUrl = 'nats://user:hush-hush@nats.example:4222';
    const ready = await fleet.ready({ env: { ...process.env, NATS_URL: natsUrl } });
    assert.deepEqual(
      ready.instances.map((each) => each.service),
      ['stock'],
    );
    assert.equal(ready.urls.broker, 'nats://nats.example:4222');
    const { env } = JSON.parse(readFileSync(join(fleet.data, 'services/stock/environment.json'), 'utf8'));
    assert.equal(env.NATS_URL, natsUrl);
  });

  it('brings back a process that was killed, says why it died and keeps the others', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED, orders: WELL_BEHAVED }, {}, { orders: { after: ['stock'] } });
    const ready = await fleet.ready();
    const from = fleet.events.length;
    const pid = ready.instances.find((each) => each.service === 'stock')?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    const death = await fleet.state('stock-1', 'backoff', from);
    assert.equal(death.reason, 'was killed by SIGKILL');
    await fleet.state('stock-1', 'ready', from);
    assert.deepEqual(fleet.deaths, [{ service: 'stock', instance: 'stock-1', pid }], 'callers are told');
    const others = fleet.events
      .slice(from)
      .filter((event) => event.type === 'state' && event.instance !== 'stock-1');
    assert.deepEqual(others, []);
    assert.ok(
      fleet.logs.some(
        (line) => line.service === 'stock' && line.msg.startsWith('stock-1 died: was killed by SIGKILL'),
      ),
    );
  });

  it('quotes the last words of a process that died of an error', async () => {
    await using fleet = new FakeFleet();
    const dies = `${WELL_BEHAVED}; process.on('message', () => {}); setTimeout(() => { throw new RangeError('the ledger is torn'); }, 50);`;
    fleet.configure({ ledger: dies });
    await fleet.start();
    const death = await fleet.state('ledger-1', 'backoff');
    assert.match(death.reason ?? '', /^exited with code 1: .*RangeError: the ledger is torn/);
  });

  it('gives a broker and a gateway that come back the ports they had', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED }, { gateway: { port: 0 } });
    const ready = await fleet.ready();
    const from = fleet.events.length;
    for (const each of ready.instances) {
      if (each.service !== 'stock') process.kill(each.pid ?? 0, 'SIGKILL');
    }
    await fleet.state('broker-1', 'ready', from);
    await fleet.state('gateway-1', 'ready', from);
    assert.deepEqual(readRecord(layoutOf(fleet.data).recordFile)?.urls, ready.urls);
  });

  it('restarts by hand, and says when a process does not come back', async () => {
    await using fleet = new FakeFleet();
    const onlyOnce = `
      import { existsSync, writeFileSync } from 'node:fs';
      const mark = process.env.FLOTILLA_DATA + '/mark';
      if (existsSync(mark)) { console.error('already been here'); process.exit(4); }
      writeFileSync(mark, '');
      ${WELL_BEHAVED}`;
    fleet.configure({ stock: WELL_BEHAVED, once: onlyOnce });
    await fleet.ready();
    const { connectControl } = await import('../control/client.ts');
    const control = connectControl({ data: fleet.data, because: 'of this test' });
    await control.restart('stock');
    const stock = (await control.instances()).find((each) => each.service === 'stock');
    assert.deepEqual([stock?.state, stock?.restarts], ['ready', 1]);
    await assert.rejects(control.restart('once'), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, 'restart_failed');
      assert.match(error.message, /once-1 did not come back: exited with code 4: already been here/);
      return true;
    });
    await assert.rejects(control.restart('nobody'), /there is no service "nobody"/);
  });
});

describe('the start of real processes', () => {
  it('fails with what each of them said', async () => {
    await using fleet = new FakeFleet();
    const fatal = (message: string) =>
      `process.send({ type: 'fatal', code: 'invalid_argument', message: ${JSON.stringify(message)} }, () => process.exit(1));`;
    fleet.configure({ a: fatal('LIMIT is not a number'), b: fatal('SEED is missing'), c: WELL_BEHAVED });
    const run = await fleet.start();
    const failures = await run.ended;
    assert.deepEqual(failures.map(({ instance, message }) => [instance, message]).sort(), [
      ['a-1', 'LIMIT is not a number'],
      ['b-1', 'SEED is missing'],
    ]);
    assert.ok(fleet.events.some((event) => event.type === 'failed'));
  });

  it('restarts one that hangs', async () => {
    await using fleet = new FakeFleet();
    const hangsOnce = `
      import { existsSync, writeFileSync } from 'node:fs';
      const mark = process.env.FLOTILLA_DATA + '/mark';
      if (existsSync(mark)) { ${WELL_BEHAVED} } else { writeFileSync(mark, ''); setInterval(() => {}, 1000); }`;
    fleet.configure({ slow: hangsOnce });
    await fleet.ready({ policy: { ...QUICK, startTimeoutMs: 1_500 } });
    const death = await fleet.state('slow-1', 'backoff');
    assert.equal(death.reason, 'not ready within 1.5 s');
  });

  it('loads the code of those that wait, and runs none of it before its time', async () => {
    await using fleet = new FakeFleet();
    const marks = `
      import { writeFileSync } from 'node:fs';
      writeFileSync(process.env.FLOTILLA_DATA + '/mark', process.env.NATS_URL + ' ' + process.argv.length);`;
    fleet.configure(
      { first: 'setInterval(() => {}, 1000);', second: marks },
      {},
      { second: { after: ['first'] } },
    );
    await fleet.start();
    // broker-1, first-1, and second-1 on standby
    const pids = await until('all processes are there', () => pidsOf(fleet).length === 3 && pidsOf(fleet));
    assert.ok(!existsSync(join(fleet.data, 'services/second/mark')));
    await fleet.stop();
    assert.ok(
      pids.every((pid) => processOf(pid) === undefined),
      'and nothing of it is left',
    );
    assert.ok(!existsSync(join(fleet.data, 'services/second/mark')));
  });

  it('gives up on a crash loop', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ broken: `console.error('no disk'); process.exit(9);` });
    const run = await fleet.start();
    const [failure] = await run.ended;
    assert.equal(failure?.message, 'died 5 times in a row, last: exited with code 9: no disk');
  });

  it('refuses a port that is taken, and names it, its owner and the way out', async () => {
    await using fleet = new FakeFleet();
    const server = createServer().listen(0, '127.0.0.1');
    try {
      await until('it listens', () => server.listening);
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      fleet.configure({ stock: WELL_BEHAVED });
      await assert.rejects(fleet.start({ flags: { brokerPort: String(port) } }), (error) => {
        assert.ok(error instanceof Failure);
        assert.equal(error.code, 'port_taken');
        assert.ok(error.message.includes(`port ${port} (broker) is taken`), error.message);
        if (process.platform === 'linux')
          assert.ok(error.message.includes(`by node (pid ${process.pid})`), error.message);
        assert.deepEqual(error.data, { ports: [{ use: 'broker', port }] });
        assert.equal(error.repair, 'stop the other process or set FLOTILLA_BROKER_PORT');
        return true;
      });
      // The directory was given back: the same fleet starts on another port.
      await fleet.ready();
    } finally {
      server.close();
    }
  });

  it('refuses a second fleet on the same data directory, and names the first', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED });
    await fleet.ready();
    const first = fleet.run;
    await assert.rejects(fleet.start(), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, 'already_running');
      assert.ok(error.message.includes(`pid ${process.pid}`));
      assert.match(error.repair ?? '', /flotilla stop --data/);
      return true;
    });
    fleet.run = first;
  });

  it('refuses a run directory that others can read', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED });
    await fleet.ready();
    await fleet.stop();
    const { run } = layoutOf(fleet.data);
    const { chmodSync } = await import('node:fs');
    chmodSync(run, 0o755);
    await assert.rejects(fleet.start(), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, 'unsafe_permissions');
      assert.equal(error.repair, `run: chmod 700 '${run}'`);
      return true;
    });
  });
});

describe('the stop of real processes', () => {
  it('leaves nothing running, and neither secret nor socket', async () => {
    await using fleet = new FakeFleet();
    const withGrandchild = `
      import { spawn } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      writeFileSync(process.env.FLOTILLA_DATA + '/pid', String(child.pid));
      ${WELL_BEHAVED}`;
    fleet.configure({ stock: WELL_BEHAVED, parent: withGrandchild });
    await fleet.ready();
    const grandchild = Number(readFileSync(join(fleet.data, 'services/parent/pid'), 'utf8'));
    const pids = [...pidsOf(fleet), grandchild];
    assert.equal(pids.length, 4);
    assert.ok(pids.every((pid) => processOf(pid) !== undefined));
    assert.deepEqual(await fleet.stop(), []);
    await until('all are gone', () => pids.every((pid) => processOf(pid) === undefined));
    const { secretFile, recordFile, run } = layoutOf(fleet.data);
    for (const file of [secretFile, recordFile, join(run, 'control.sock')])
      assert.ok(!existsSync(file), file);
    assert.equal(fleet.events.at(-1)?.type, 'stopped');
  });

  it('kills a process that ignores SIGTERM', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({
      deaf: `${WELL_BEHAVED} process.removeAllListeners('SIGTERM'); process.on('SIGTERM', () => {});`,
    });
    await fleet.ready();
    await fleet.stop();
    assert.ok(fleet.logs.some((line) => /deaf-1: ignored SIGTERM for 0\.6 s and was killed/.test(line.msg)));
  });

  it('kills at once when asked a second time', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({
      deaf: `${WELL_BEHAVED} process.removeAllListeners('SIGTERM'); process.on('SIGTERM', () => {});`,
    });
    await fleet.ready({ policy: { ...QUICK, stopToldMs: 30_000, stopKillMs: 60_000 } });
    fleet.run?.stop();
    await fleet.state('deaf-1', 'stopping');
    fleet.run?.kill();
    await fleet.run?.ended;
  });
});

describe('the logs of real processes', () => {
  it('keep JSON lines, wrap other text, and never show the secret', async () => {
    await using fleet = new FakeFleet();
    const secret = 'a-secret-of-enough-length';
    const noisy = `
      console.log(JSON.stringify({ time: '2026-01-02T03:04:05.000Z', level: 'warn', service: 'liar', msg: 'structured', count: 7 }));
      console.error('first line\\n  at second line');
      console.log('the secret is ${secret}');
      process.stdout.write('x'.repeat(1_000_000) + '\\n');
      ${WELL_BEHAVED}`;
    fleet.configure({ noisy });
    await fleet.ready({ env: { ...process.env, FLOTILLA_SECRET: secret } });
    const lines = await until('all lines are in', () => {
      const own = fleet.logs.filter((line) => line.service === 'noisy');
      return (
        own.some((line) => line.msg.startsWith('xxx')) &&
        own.some((line) => line.level === 'warn' && line.msg !== 'structured') &&
        own
      );
    });
    const structured = lines.find((line) => line.msg === 'structured');
    assert.deepEqual(structured, {
      time: '2026-01-02T03:04:05.000Z',
      level: 'warn',
      service: 'noisy',
      instance: 'noisy-1',
      msg: 'structured',
      count: 7,
    });
    assert.ok(lines.some((line) => line.level === 'warn' && line.msg === 'first line\n  at second line'));
    assert.ok(lines.some((line) => line.msg.includes('the secret is [secret]')));
    const long = lines.find((line) => line.msg.startsWith('xxx'))?.msg ?? '';
    assert.ok(long.length < 70_000 && long.endsWith('more characters dropped)'));
    await fleet.stop();
    const file = readFileSync(layoutOf(fleet.data).logFile('noisy'), 'utf8');
    assert.ok(file.includes('"structured"') && !file.includes(secret));
  });
});
