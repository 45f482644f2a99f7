import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type FleetMember, joinFleet } from 'flotilla';
import { readRecord } from './data/fleet-record.ts';
import { layoutOf } from './data/layout.ts';
import { processOf, until } from './testing/until.ts';

const BIN = fileURLToPath(new URL('../bin/flotilla.js', import.meta.url));
const CLI = new URL('./index.ts', import.meta.url).href;
const CORE = import.meta.resolve('flotilla');
const ZOD = import.meta.resolve('zod');

const GREETER = `
  import { contract, operation, service, stream } from '${CORE}';
  import { z } from '${ZOD}';
  const Greeter = contract('greeter', {
    greet: operation({
      summary: 'Greet somebody', input: z.object({ name: z.string() }), output: z.object({ text: z.string() }), access: 'public',
    }),
    count: operation({ input: z.object({ to: z.number() }), output: stream(z.object({ n: z.number() })), access: 'internal' }),
  });
  export default service(Greeter, {
    operations: {
      async greet({ name }) { return { text: 'hello ' + name }; },
      async *count({ to }) { for (let n = 1; n <= to; n++) yield { n }; },
    },
  });
`;

interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly talk: string;
}

class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), 'flotilla-cli-'));
  readonly #started: ChildProcess[] = [];

  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): { child: ChildProcess; said(): Outcome } {
    const { FORCE_COLOR: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env;
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: this.directory,
      env: { ...inherited, FLOTILLA_GATEWAY_PORT: '0', FLOTILLA_BROKER_PORT: '0', ...env },
    });
    this.#started.push(child);
    let out = '';
    let talk = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      talk += chunk;
    });
    return { child, said: () => ({ status: child.exitCode, out, talk }) };
  }

  async run(args: readonly string[], env: NodeJS.ProcessEnv = {}, input = ''): Promise<Outcome> {
    const { child, said } = this.start(args, env);
    child.stdin?.end(input);
    await once(child, 'close');
    return said();
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text);
  }

  configure(services: string): void {
    this.write(
      'flotilla.config.ts',
      `import { fleet } from '${CLI}';\nexport default fleet({ name: 'test', services: ${services}, faults: true });`,
    );
  }

  record() {
    return readRecord(layoutOf(join(this.directory, '.flotilla')).recordFile);
  }

  /** As a service of the fleet would. */
  join(): Promise<FleetMember> {
    const { secretFile } = layoutOf(join(this.directory, '.flotilla'));
    const secret = readFileSync(secretFile, 'utf8');
    const natsUrl = this.record()?.natsUrl ?? '';
    return joinFleet({ service: 'test', instance: 'test-1', fleet: 'test', secret, natsUrl });
  }

  async dispose(): Promise<void> {
    const supervisor = this.record()?.supervisor.pid;
    if (supervisor !== undefined && processOf(supervisor)) await this.run(['stop']);
    for (const child of this.#started) if (child.exitCode === null) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

describe('the flotilla command', () => {
  const workplace = new Workplace();
  after(() => workplace.dispose());

  it('shows help on stderr and exits with 2 for what it does not know', async () => {
    for (const args of [
      ['sail'],
      ['ps', '--colour'],
      [],
      ['restart'],
      ['logs', '--lines', 'x'],
      ['call', 'nothing'],
      ['explain', 'nothing'],
      ['trace', 'xyz'],
      ['trace', '--slow', '--errors'],
      ['top', '--interval', '1'],
      ['stream', 'tail', 'x', '--last', 'many'],
      ['stream', 'tail', 'x', '--since', 'yesterday'],
      ['broker', 'backup'],
    ]) {
      const { status, out, talk } = await workplace.run(args);
      assert.equal(status, 2, args.join(' '));
      assert.equal(out, '', args.join(' '));
      assert.match(
        talk,
        /Usage|is not a number|names no operation|nothing is named|is no trace id|give one of|is too short|is no place in a stream/,
      );
    }
  });

  it('prints help and version that were asked for on stdout', async () => {
    const help = await workplace.run(['--help']);
    assert.deepEqual([help.status, help.talk], [0, '']);
    assert.match(help.out, /doctor/);
    assert.match((await workplace.run(['--version'])).out, /^\d+\.\d+\.\d+\n$/);
  });

  it('says that nothing runs, and exits with 3', async () => {
    for (const args of [
      ['ps'],
      ['stop'],
      ['services'],
      ['call', 'a.b'],
      ['logs', '--follow'],
      ['broker', 'url'],
      ['broker', 'status'],
      ['stream', 'ls'],
      ['trace'],
      ['explain', 'a.b'],
      ['top', '--once'],
    ]) {
      const { status, talk } = await workplace.run(args);
      assert.equal(status, 3, args.join(' '));
      assert.match(talk, /error: no fleet .*\nrepair: /);
    }
    const { talk } = await workplace.run(['ps', '--json']);
    assert.equal(JSON.parse(talk).error.code, 'not_running');
  });

  it('exits with 4 for a configuration that is wrong, and lists what is', async () => {
    workplace.configure(`{ a: { entry: './gone.ts' }, b: { entry: './gone.ts', after: ['c'] } }`);
    const { status, talk } = await workplace.run(['up']);
    assert.equal(status, 4);
    assert.match(
      talk,
      /3 problems:\n.*services\.b\.after\.0.*\n.*services\.a\.entry.*\n.*services\.b\.entry/,
    );
    const doctor = await workplace.run(['doctor', '--json']);
    assert.equal(doctor.status, 1);
    const { healthy, checks } = JSON.parse(doctor.out);
    assert.equal(healthy, false);
    assert.equal(checks.filter((each: { result: string }) => each.result === 'problem').length, 3);
  });

  it('exits with 7 for a fleet that cannot start, in the background too', async () => {
    workplace.write('broken.ts', `throw new Error('no keel');`);
    workplace.configure(`{ broken: { entry: './broken.ts' } }`);
    for (const args of [['up'], ['up', '--detach']]) {
      const { status, talk } = await workplace.run(args);
      assert.equal(status, 7, talk);
      assert.match(talk, /the fleet cannot start:\n {2}broken-1: .*no keel/);
    }
  });

  it('tells an old Node what it needs', async () => {
    const old = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.19.0'})`;
    const { status, talk } = await workplace.run([], { NODE_OPTIONS: `--import "${old}"` });
    assert.equal(status, 1);
    assert.match(talk, /needs Node 24 or newer, and this is 20\.19\.0/);
  });
});

describe('a fleet run from the command line', () => {
  const workplace = new Workplace();
  let up: ReturnType<Workplace['start']>;

  before(async () => {
    workplace.write('greeter.ts', GREETER);
    workplace.configure(`{ greeter: { entry: './greeter.ts', replicas: 2 } }`);
    up = workplace.start(['up']);
    await until('it is ready', () => {
      assert.equal(up.child.exitCode, null, up.said().talk);
      return /control .*\n/.test(up.said().out);
    });
  });
  after(() => workplace.dispose());

  it('says what runs and where, without colours for a pipe', () => {
    const { out } = up.said();
    assert.match(out, /^\nSERVICE +INSTANCE +PID +STATE +VERSION +ADDRESS\nbroker +broker-1 +\d+ +ready /);
    assert.match(
      out,
      /Ready in \d+\.\d s\n {2}gateway +http:\/\/127\.0\.0\.1:\d+\n {2}openapi +http.*openapi\.json\n {2}broker +nats:/,
    );
    assert.ok(!out.includes('\x1b'));
  });

  it('lists its processes', async () => {
    const { out, status } = await workplace.run(['ps', '--json']);
    assert.equal(status, 0);
    const instances: Record<string, unknown>[] = JSON.parse(out);
    assert.deepEqual(
      instances.map((each) => each.instance),
      ['broker-1', 'greeter-1', 'greeter-2', 'gateway-1'],
    );
    for (const each of instances) {
      assert.deepEqual(Object.keys(each), [
        'service',
        'instance',
        'pid',
        'state',
        'restarts',
        'version',
        'address',
        'admin',
        'lastEnd',
      ]);
      assert.equal(each.state, 'ready');
    }
    const coloured = await workplace.run(['ps'], { FORCE_COLOR: '1' });
    assert.ok(coloured.out.includes('\x1b[32mready'));
  });

  it('answers calls, and prints a stream as lines', async () => {
    const greeting = await workplace.run(['call', 'greeter.greet', '{"name":"Ada"}', '--json']);
    assert.deepEqual(greeting, { status: 0, out: '{"text":"hello Ada"}\n', talk: '' });
    const piped = await workplace.run(
      ['call', 'greeter.greet', '-', '--user', 'u1', '--scope', 'a'],
      {},
      '{"name":"Bob"}',
    );
    assert.deepEqual(JSON.parse(piped.out), { text: 'hello Bob' });
    const counted = await workplace.run(['call', 'greeter.count', '{"to":3}']);
    assert.equal(counted.out, '{"n":1}\n{"n":2}\n{"n":3}\n');
  });

  it('exits with 1 for a call that is answered with an error, and says which operations there are', async () => {
    const wrong = await workplace.run(['call', 'greeter.greet', '{"name":7}', '--json']);
    assert.equal(wrong.status, 1);
    const { error } = JSON.parse(wrong.talk);
    assert.deepEqual([error.code, error.data.code], ['call_failed', 'invalid_argument']);
    const said = await workplace.run(['call', 'greeter.greet', '{}']);
    assert.match(said.talk, /^error: greeter.greet answered invalid_argument: name: is required\n$/);
    assert.match((await workplace.run(['call', 'greeter.sing'])).talk, /use one of greet, count/);
    assert.match(
      (await workplace.run(['call', 'singer.sing'])).talk,
      /there is no service "singer".*\n.*greeter/,
    );
    assert.equal((await workplace.run(['call', 'greeter.greet', '{name}'])).status, 2);
  });

  it('shows a trace across its processes', async () => {
    await workplace.run(['call', 'greeter.greet', '{"name":"Ada"}']);
    const listed = await workplace.run(['trace', '--recent', '--json']);
    assert.equal(listed.status, 0, listed.talk);
    const [latest] = JSON.parse(listed.out).filter((each: { name: string }) => each.name === 'greeter/greet');
    assert.deepEqual([latest.service, latest.kind, latest.reason], ['greeter', 'server', 'recent']);
    const shown = await workplace.run(['trace', latest.traceId]);
    assert.match(shown.out, /^[0-9a-f]{32} {2}.* 1 span, 1 process\n\n *START +DURATION +WATERFALL/);
    assert.match(shown.out, /greeter-\d +… greeter\/greet +server +ok/);
    assert.equal(shown.talk, '');
    const { spans, silent } = JSON.parse((await workplace.run(['trace', latest.traceId, '--json'])).out);
    assert.deepEqual([spans.length, spans[0].kind, silent], [1, 'server', []]);
  });

  it('says how long traces are remembered when it does not know one', async () => {
    const { status, talk } = await workplace.run(['trace', '0'.repeat(31).concat('1')]);
    assert.equal(status, 1);
    assert.match(
      talk,
      /^error: no process remembers the trace 0{31}1\nrepair: .*4096 spans.*flotilla trace lists/,
    );
    assert.match((await workplace.run(['trace', '--errors'])).talk, /^no trace has failed/);
  });

  it('explains how an operation is called', async () => {
    const explained = await workplace.run(['explain', 'greeter.greet', '--from', 'gateway', '--json']);
    assert.equal(explained.status, 0, explained.talk);
    const { contract, callers } = JSON.parse(explained.out);
    assert.deepEqual([contract.idempotent, contract.priority], [false, 'normal']);
    const [{ caller, values, retry, hedge }] = callers;
    assert.deepEqual([caller, callers.length, retry.yes, hedge.yes], ['gateway', 1, true, false]);
    const attempts = values.find((each: { key: string }) => each.key === 'retry.attempts');
    assert.deepEqual(attempts, { key: 'retry.attempts', value: 3, source: 'default' });
    const text = await workplace.run(['explain', 'greeter.count']);
    assert.match(text.out, /^greeter\.count {2}not idempotent, a stream, priority normal, no key\n/);
    assert.match((await workplace.run(['explain', 'greeter.sing'])).talk, /use one of greet, count/);
    for (const args of [['singer.sing'], ['greeter.greet', '--from', 'singer']]) {
      const { status, talk } = await workplace.run(['explain', ...args]);
      assert.equal(status, 1);
      assert.match(talk, /there is no service "singer".*\nrepair: use one of gateway, greeter/);
    }
  });

  it('shows what its processes do', async () => {
    const { status, out } = await workplace.run(['top', '--once', '--interval', '200ms', '--json']);
    assert.equal(status, 0);
    const { fleet, instances } = JSON.parse(out);
    assert.equal(fleet, 'test');
    for (const { instance, load, silent } of instances) {
      assert.equal(silent, null);
      if (instance === 'broker-1') assert.equal(load, null);
      else assert.ok(load.rssBytes > 0 && load.cpuShare >= 0 && load.callsPerSecond >= 0, instance);
    }
    const table = await workplace.run(['top', '--once', '--interval', '200ms']);
    assert.match(table.out, /^test {2}\d\d:.* 4 processes .*\n\nINSTANCE +STATE +CALLS\/S/);
    assert.match(table.out, /^greeter-2 +ready +0 +0 % /m);
  });

  it('shows its services and contracts', async () => {
    const [listing] = JSON.parse((await workplace.run(['services', '--json'])).out);
    assert.deepEqual(
      [listing.service, listing.instances.length, listing.operations],
      ['greeter', 2, ['greet', 'count']],
    );
    const document = JSON.parse((await workplace.run(['contract', 'show', 'greeter', '--json'])).out);
    assert.equal(document.hash, listing.contract);
    assert.match(
      (await workplace.run(['contract', 'show', 'greeter'])).out,
      /operation greeter\.greet {2}public\n {2}Greet somebody/,
    );
  });

  it('tells how its broker is, and backs it up while it runs', async () => {
    const status = await workplace.run(['broker', 'status']);
    assert.match(status.out, /^embedded broker \d+\.\d+\.\d+ {2}nats:\/\/127\.0\.0\.1:\d+\n/);
    assert.match(status.out, /\ndurability +disk: an acknowledgement means: flushed to disk\n/);
    const { kind, told } = JSON.parse((await workplace.run(['broker', 'status', '--json'])).out);
    assert.deepEqual([kind, told.store.damagedRecords], ['embedded', 0]);
    const listed = await workplace.run(['stream', 'ls']);
    assert.deepEqual([listed.status, listed.out], [0, '']);
    assert.match(listed.talk, /^no stream on the broker yet/);

    const made = await workplace.run(['broker', 'backup', 'monday']);
    assert.equal(made.status, 0, made.talk);
    assert.match(
      made.talk,
      /^backed up 0 messages in 0 streams .* to .*monday; every message was read back\n$/,
    );
    assert.ok(existsSync(join(workplace.directory, 'monday', 'disk.sqlite')));
    const again = await workplace.run(['broker', 'backup', 'monday']);
    assert.equal(again.status, 1);
    assert.match(again.talk, /^error: .*monday exists, and a backup never overwrites anything\nrepair: /);
    const refused = await workplace.run(['broker', 'restore', 'monday']);
    assert.equal(refused.status, 6);
    assert.match(refused.talk, /a fleet runs on .*\nrepair: stop it first: flotilla stop/);
  });

  it('restarts a service, one replica after the other', async () => {
    const { status, out } = await workplace.run(['restart', 'greeter', '--json']);
    assert.equal(status, 0);
    const restarts = JSON.parse(out).map((each: { restarts: number; state: string }) => [
      each.restarts,
      each.state,
    ]);
    assert.deepEqual(restarts, [
      [1, 'ready'],
      [1, 'ready'],
    ]);
    assert.equal((await workplace.run(['restart', 'singer'])).status, 1);
  });

  it('has logs of each service', async () => {
    const { out } = await workplace.run(['logs', 'greeter', '--json', '--lines', '1000']);
    const entries: { service: string; msg: string }[] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.ok(entries.every((entry) => entry.service === 'greeter'));
    assert.ok(entries.some((entry) => entry.msg === 'serving'));
    assert.equal((await workplace.run(['logs', 'singer'])).status, 1);
  });

  it('tells callers at once that an instance was killed', async () => {
    const member = await workplace.join();
    try {
      const victim = await until('it is found', () => member.discovery.get('greeter-2'));
      let left = false;
      member.discovery.onChange(({ kind, instance }) => {
        if (kind === 'left' && instance.pid === victim.pid) left = true;
      });
      process.kill(victim.pid, 'SIGKILL');
      const successor = await until('it is back', () => {
        const now = member.discovery.get('greeter-2');
        return now?.pid !== victim.pid && now;
      });
      assert.ok(left, 'it left before its successor came');
      assert.notEqual(successor.pid, victim.pid);
    } finally {
      await member.leave();
    }
  });

  it('gives a URL with which a NATS client can connect, and without which it cannot', async () => {
    const { out } = await workplace.run(['broker', 'url']);
    const url = new URL(out.trim());
    assert.equal(await natsGreeting(url, url.username), 'PONG');
    assert.match(await natsGreeting(url, 'wrong'), /^-ERR 'Authorization Violation'/);
  });

  it('restarts every service in turn, and tells each step', async () => {
    const people = await workplace.run(['restart', '--rolling', 'greeter']);
    assert.equal(people.status, 0, people.talk);
    assert.match(
      people.talk,
      /^\[1\/2\] restarting greeter-1\n\[1\/2\] greeter-1 is ready after [\d.]+ s\n\[2\/2\]/,
    );
    assert.match(people.out, /greeter-1 +\d+ +ready .*\n *greeter +greeter-2 +\d+ +ready/);
    const { out, status } = await workplace.run(['restart', '--rolling', '--json']);
    assert.equal(status, 0);
    const stages = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).stage);
    const each = ['replacing', 'ready', 'settled'];
    assert.deepEqual(stages, ['begun', ...each, ...each, 'done']);
  });

  it('loses no call in a rolling restart', async () => {
    const member = await workplace.join();
    const payload = Buffer.from('{"name":"Ada"}');
    let done = false;
    let calls = 0;
    const failures: unknown[] = [];
    const call = async (): Promise<void> => {
      while (!done) {
        try {
          await member.call('greeter', 'greeter.greet', payload, { deadlineMs: 5_000 });
          calls++;
        } catch (error) {
          failures.push(error);
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    try {
      const calling = Promise.all([call(), call(), call(), call()]);
      const { status, talk } = await workplace.run(['restart', '--rolling']);
      done = true;
      await calling;
      assert.equal(status, 0, talk);
      assert.deepEqual(failures, []);
      assert.ok(calls > 20, `${calls} calls were made`);
    } finally {
      done = true;
      await member.leave();
    }
  });

  it('injects faults, lists them and takes them back', async () => {
    const slow = await workplace.run(['fault', 'add', 'greeter', 'latency=1500ms', '--for', '5m', '--json']);
    assert.equal(slow.status, 0, slow.talk);
    const [fault] = JSON.parse(slow.out);
    assert.deepEqual([fault.target, fault.fault], ['greeter', 'latency=1500ms']);
    assert.match(
      (await workplace.run(['fault', 'list'])).out,
      /greeter +latency=1500ms +5m|greeter +latency=1500ms +4\.\dm/,
    );
    const late = await workplace.run(['call', 'greeter.greet', '{"name":"Ada"}', '--timeout', '1s']);
    assert.equal(late.status, 1);
    assert.match(late.talk, /deadline_exceeded/);
    assert.match((await workplace.run(['fault', 'clear'])).talk, /ended f\d+: latency=1500ms on greeter/);
    assert.equal((await workplace.run(['call', 'greeter.greet', '{"name":"Ada"}'])).status, 0);
    const unknown = await workplace.run(['fault', 'add', 'greter', 'pause']);
    assert.equal(unknown.status, 1);
    assert.match(unknown.talk, /no service "greter".*\nrepair: use one of broker, greeter, gateway/);
    assert.equal((await workplace.run(['fault', 'add', 'greeter', 'slow'])).status, 2);
  });

  it('changes policies and holds breakers', async () => {
    const set = await workplace.run(['policy', 'set', 'greeter.greet', 'retry.attempts=1', 'waitMs=2s']);
    assert.match(set.out, /greeter\.greet +retry\.attempts +1 +run time/);
    const listed = JSON.parse((await workplace.run(['policy', 'list', '--json'])).out);
    assert.deepEqual(listed.runTime, { 'greeter.greet': { waitMs: 2_000, retry: { attempts: 1 } } });
    assert.equal((await workplace.run(['policy', 'set', 'greeter', 'retry.tries=1'])).status, 2);
    assert.match((await workplace.run(['policy', 'clear'])).talk, /the defaults hold/);
    const open = await workplace.run(['breaker', 'open', 'greeter', '--json']);
    assert.deepEqual(JSON.parse(open.out), { held: { greeter: 'open' } });
    const shown = JSON.parse((await workplace.run(['breaker', 'list', '--json'])).out);
    for (const each of shown) assert.deepEqual([each.state, each.forced], ['open', true]);
    const edge = await workplace.run(['breaker', 'open', 'gateway->greeter']);
    assert.match(edge.talk, /until flotilla breaker auto "gateway->greeter"/);
    const auto = await workplace.run(['breaker', 'auto', 'greeter']);
    assert.match(auto.talk, /decide by themselves; still held: gateway->greeter \(open\)/);
    const last = await workplace.run(['breaker', 'auto', 'gateway->greeter']);
    assert.match(last.talk, /decide by themselves\n$/);
    assert.match((await workplace.run(['breaker', 'list'])).talk, /^all breakers are closed\n$/);
    assert.equal((await workplace.run(['breaker', 'open', 'nobody'])).status, 1);
  });

  it('is healthy, says the doctor', async () => {
    const { status, out } = await workplace.run(['doctor']);
    assert.equal(status, 0, out);
    assert.match(out, /ok +fleet +test is running: 4 processes are ready/);
  });

  it('shows its secret to nobody', async () => {
    const record = workplace.record();
    assert.ok(record);
    const layout = layoutOf(join(workplace.directory, '.flotilla'));
    const secret = readFileSync(layout.secretFile, 'utf8');
    assert.equal(statSync(layout.secretFile).mode & 0o777, 0o600);
    assert.equal(statSync(layout.run).mode & 0o777, 0o700);
    assert.ok(!readFileSync(layout.recordFile, 'utf8').includes(secret));
    if (process.platform !== 'linux') return;
    for (const { pid } of record.children) {
      assert.ok(!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(secret));
      assert.ok(!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(secret));
    }
  });

  it('cannot be started twice, and exits with 6', async () => {
    const { status, talk } = await workplace.run(['up']);
    assert.equal(status, 6);
    assert.ok(talk.includes(`(supervisor pid ${up.child.pid})`));
  });

  it('stops on Ctrl-C, ends the logs of followers, and leaves nothing running', async () => {
    const children = workplace.record()?.children ?? [];
    assert.equal(children.length, 4);
    const follower = workplace.start(['logs', '--follow']);
    await until('it follows', () => follower.said().out !== '');
    // npm passes on the Ctrl-C that the terminal has already sent.
    up.child.kill('SIGINT');
    up.child.kill('SIGINT');
    await once(up.child, 'close');
    assert.equal(up.said().status, 0, up.said().talk);
    for (const { pid } of children) assert.equal(processOf(pid), undefined);
    if (follower.child.exitCode === null) await once(follower.child, 'close');
    assert.equal(follower.said().status, 0, follower.said().talk);
    assert.match((await workplace.run(['logs', '--lines', '5'])).out, /stopping/, 'from the files');
  });
});

describe('a fleet that does not stop', () => {
  const workplace = new Workplace();
  after(() => workplace.dispose());

  it('is killed by a second Ctrl-C, which exits with 130', async () => {
    const deaf = `process.removeAllListeners('SIGTERM'); process.on('SIGTERM', () => {});`;
    workplace.write('greeter.ts', `${GREETER}\n${deaf}`);
    workplace.configure(`{ greeter: { entry: './greeter.ts' } }`);
    const { child, said } = workplace.start(['up']);
    await until('it is ready', () => /control .*\n/.test(said().out));
    const children = workplace.record()?.children ?? [];
    child.kill('SIGINT');
    await until('it was heard', () => said().talk.includes('stopping the fleet'));
    const pressed = performance.now();
    await until('it counts as another Ctrl-C', () => performance.now() - pressed > 600);
    assert.equal(child.exitCode, null);
    child.kill('SIGINT');
    await once(child, 'close');
    assert.equal(said().status, 130);
    for (const { pid } of children) assert.equal(processOf(pid), undefined);
  });

  it('stops when nobody reads its events any more', async () => {
    workplace.write('greeter.ts', GREETER);
    const { child, said } = workplace.start(['up', '--json']);
    await until('it is ready', () => said().out.includes('"type":"ready"'));
    const children = workplace.record()?.children ?? [];
    child.stdout?.destroy();
    child.stderr?.destroy();
    // The next event finds the pipe closed.
    process.kill(children[0]?.pid ?? 0, 'SIGKILL');
    await until('it is gone', () => child.exitCode !== null);
    assert.equal(child.exitCode, 0);
    for (const { pid } of children) assert.equal(processOf(pid), undefined);
  });
});

describe('a fleet in the background', () => {
  const workplace = new Workplace();
  after(() => workplace.dispose());

  it('is left running by up --detach, outlives nothing but its supervisor, and can be started again', async () => {
    workplace.write('greeter.ts', GREETER);
    workplace.configure(`{ greeter: { entry: './greeter.ts' } }`);
    const first = await workplace.run(['up', '--detach', '--json']);
    assert.equal(first.status, 0, first.talk);
    const ready = JSON.parse(first.out);
    assert.equal(ready.type, 'ready');
    assert.ok(existsSync(join(ready.data, 'logs', 'supervisor.log')));
    const children = workplace.record()?.children ?? [];
    assert.equal(children.length, 3);

    process.kill(ready.pid, 'SIGKILL');
    await until('its processes end by themselves', () =>
      children.every(({ pid }) => processOf(pid) === undefined),
    );
    assert.equal((await workplace.run(['ps'])).status, 3);
    assert.match((await workplace.run(['doctor'])).out, /note +lock .*the next flotilla up recovers/);

    const second = await workplace.run(['up', '--detach']);
    assert.equal(second.status, 0, second.talk);
    assert.match(second.out, /Ready in/);
    assert.match((await workplace.run(['logs', 'flotilla'])).out, /did not stop cleanly/);
    const again = workplace.record();
    const stopped = await workplace.run(['stop', '--json']);
    assert.deepEqual(JSON.parse(stopped.out), { name: 'test', pid: again?.supervisor.pid, stopped: true });
    for (const { pid } of again?.children ?? []) assert.equal(processOf(pid), undefined);
  });
});

describe('a supervisor killed during the start', () => {
  const workplace = new Workplace();
  after(() => workplace.dispose());

  it('leaves nothing: neither what hangs, nor what waits for its turn', async () => {
    workplace.write('greeter.ts', GREETER);
    workplace.write('hangs.ts', `setInterval(() => {}, 1000); await new Promise(() => {});`);
    workplace.configure(
      `{ hangs: { entry: './hangs.ts' }, greeter: { entry: './greeter.ts', after: ['hangs'] } }`,
    );
    const { child } = workplace.start(['up']);
    const children = await until('all are there', () => {
      const all = workplace.record()?.children ?? [];
      return all.length === 4 && all;
    });
    child.kill('SIGKILL');
    await until('all are gone', () => children.every(({ pid }) => processOf(pid) === undefined));
  });
});

describe('the broker alone', () => {
  const workplace = new Workplace();
  after(() => workplace.dispose());

  it('needs to know who may connect', async () => {
    assert.equal((await workplace.run(['broker', 'run'])).status, 2);
    assert.equal((await workplace.run(['broker', 'run', '--no-auth', '--token', 'x'])).status, 2);
  });

  it('serves until it is told to stop', async () => {
    const { child, said } = workplace.start(['broker', 'run', '--port', '0', '--json'], {
      FLOTILLA_BROKER_TOKEN: 'hush',
    });
    await until('it is ready', () => said().out !== '');
    const url = new URL(JSON.parse(said().out).url);
    assert.equal(await natsGreeting(url, 'hush'), 'PONG');
    const taken = await workplace.run(['broker', 'run', '--port', url.port, '--no-auth']);
    assert.equal(taken.status, 5);
    assert.ok(taken.talk.includes(`port ${url.port} (broker) is taken`));
    child.kill('SIGTERM');
    await once(child, 'close');
    assert.equal(said().status, 0);
  });

  it('serves its metrics where it is told to', async () => {
    const options = ['--port', '0', '--metrics-port', '0', '--no-auth', '--json'];
    const { child, said } = workplace.start(['broker', 'run', ...options]);
    await until('it is ready', () => said().out !== '');
    const text = await (await fetch(JSON.parse(said().out).metrics)).text();
    assert.match(text, /^flotilla_broker_connections 0$/m);
    assert.match(text, /^process_resident_memory_bytes \d/m);
    child.kill('SIGTERM');
    await once(child, 'close');
    assert.equal(said().status, 0);
  });

  it('is a lame duck on SIGUSR2: its clients are told, and SIGTERM still ends it', async () => {
    const { child, said } = workplace.start(['broker', 'run', '--port', '0', '--no-auth', '--json']);
    await until('it is ready', () => said().out !== '');
    const url = new URL(JSON.parse(said().out).url);
    const socket = connect(Number(url.port), url.hostname);
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('error', () => {});
    socket.write('CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n');
    await until('the broker answers', () => heard.includes('PONG'));
    child.kill('SIGUSR2');
    await until('the client is told', () => /"ldm":true/.test(heard));
    child.kill('SIGTERM');
    await once(child, 'close');
    assert.equal(said().status, 0);
    socket.destroy();
  });
});

/** What a broker answers to CONNECT and PING (NATS client protocol): `PONG`, or its error. */
async function natsGreeting(url: URL, token: string): Promise<string> {
  const socket = connect(Number(url.port), url.hostname);
  socket.on('error', () => {});
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk;
  });
  socket.write(`CONNECT ${JSON.stringify({ verbose: false, auth_token: token })}\r\nPING\r\n`);
  const answer = await until('the broker answers', () => /^(PONG|-ERR .*)\r$/m.exec(said)?.[1]);
  socket.destroy();
  return answer;
}
