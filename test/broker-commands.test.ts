/**
 * What an operator sees of messages, and does with them, from a terminal: every command over the broker, as a person would use it,
 * on a fleet with a broker of its own and on one with a NATS server.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startNatsServer, type TestBroker, waitFor, withoutNatsServer } from 'flotilla/testing';
import { FleetProcess, repository } from './fleet-process.ts';

const flotilla = join(repository, 'packages/cli/bin/flotilla.js');

const config = join(repository, 'test/mailroom/flotilla.config.ts');

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly talk: string;
}

interface Group {
  readonly group: string;
  readonly kind: string;
  readonly lag: number;
  readonly members: { readonly instance: string }[];
  readonly partitions: { readonly owner?: string }[];
}

interface Letter {
  readonly sequence: number;
  readonly id: string;
  readonly reason: string;
}

describe('the commands over the embedded broker', () => commandsOver('embedded broker'));
describe('the commands over nats-server', { skip: withoutNatsServer }, () => commandsOver('nats-server'));

function commandsOver(engine: 'embedded broker' | 'nats-server'): void {
  let fleet: FleetProcess;
  let folder: string;
  let server: TestBroker | undefined;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'flotilla-commands-'));
    server = engine === 'nats-server' ? await startNatsServer() : undefined;
    fleet = await FleetProcess.start({ config, environment: server ? { NATS_URL: server.url } : {} });
  });

  after(async () => {
    await fleet?.dispose();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(...args: string[]): Promise<Outcome> {
    const env = { ...process.env, FLOTILLA_DATA: fleet.data };
    return new Promise((resolve) => {
      execFile(process.execPath, [flotilla, ...args], { env }, (error, out, talk) =>
        resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, talk }),
      );
    });
  }

  async function json<T>(...args: string[]): Promise<T> {
    const { status, out, talk } = await run(...args, '--json');
    assert.equal(status, 0, `${args.join(' ')}: ${talk}`);
    return JSON.parse(out);
  }

  const place = (order: string, customer: string) =>
    fleet.call<{ sequence: number }>('orders.place', { order, customer });
  const sent = async () => (await fleet.call<{ orders: string[] }>('mail.sent')).orders;

  it('shows nothing where there is nothing, and says so', async () => {
    assert.match((await run('dead-letters', 'ls')).talk, /^no dead letters\n$/);
    const { status, talk } = await run('stream', 'info', 'payments');
    assert.equal(status, 1);
    assert.match(talk, /there is no stream "payments" on the broker\nrepair: use one of .*mailroom_orders/);
    assert.match(
      (await run('consumer', 'info', 'x')).talk,
      /no consumer group "x".*\nrepair: use one of mail, printer/s,
    );
  });

  it('lists, describes and follows a stream', async () => {
    for (let n = 1; n <= 20; n++) await place(`order-${n}`, `customer-${n % 3}`);
    const streams = await json<{ stream: string; messages: number }[]>('stream', 'ls');
    assert.equal(streams.find(({ stream }) => stream === 'mailroom_orders')?.messages, 20);
    assert.match((await run('stream', 'info', 'orders')).out, /orders\.placed +20\n/);
    const tail = await run('stream', 'tail', 'orders.placed', '--last', '2', '--no-follow');
    assert.match(tail.out, /#19 {2}orders\.placed {2}key=customer-1 .*\n {2}\{"order":"order-19".*\n.*#20 /);

    const follower = start('stream', 'tail', 'orders', '--last', '1', '--json');
    await waitFor(() => follower.said().includes('order-20'), { what: 'the last message' });
    await place('order-21', 'customer-0');
    await waitFor(() => follower.said().includes('order-21'), { what: 'the next message' });
    follower.child.kill('SIGINT');
    const [status] = await once(follower.child, 'close');
    assert.equal(status, 0);
    const [, next] = follower.said().trim().split('\n');
    const { type, key, payload } = JSON.parse(next ?? '');
    assert.deepEqual([type, key, payload.order], ['orders.placed', 'customer-0', 'order-21']);
  });

  function start(...args: string[]): { readonly child: ChildProcess; said(): string } {
    const env = { ...process.env, FLOTILLA_DATA: fleet.data };
    const child = spawn(process.execPath, [flotilla, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
    });
    return { child, said: () => text };
  }

  it('tells how far the groups have come, and who works for them', async () => {
    const settled = await waitFor(
      async () => {
        const groups = await json<Group[]>('consumer', 'ls', 'orders');
        return groups.length === 2 && groups.every(({ lag }) => lag === 0) ? groups : undefined;
      },
      { what: 'the groups to have read everything' },
    );
    assert.deepEqual(
      settled.map(({ group, kind }) => [group, kind]),
      [
        ['mail', 'subscribe'],
        ['printer', 'work'],
      ],
    );
    const [mail] = await json<Group[]>('consumer', 'info', 'mail');
    assert.deepEqual(
      mail?.members.map(({ instance }) => instance),
      ['mail-1'],
    );
    assert.deepEqual(
      mail?.partitions.map(({ owner }) => owner),
      ['mail-1', 'mail-1', 'mail-1', 'mail-1'],
    );
    assert.match(
      (await run('consumer', 'info', 'mail')).out,
      /^mail\nreads +orders \(mailroom_orders\), in 4 partitions/,
    );
  });

  it('shows what died of a poison message, and gives it back once the cause is mended', async () => {
    await place('poison-1', 'nobody');
    await place('poison-2', 'nobody');
    const letters = await waitFor(
      async () => {
        const found = await json<Letter[]>('dead-letters', 'ls', '--group', 'mail');
        return found.length === 2 ? found : undefined;
      },
      { what: 'the poison to be dead' },
    );
    assert.deepEqual(
      letters.map(({ reason }) => reason),
      ['permanent', 'permanent'],
    );
    assert.match(
      (await run('dead-letters', 'ls')).out,
      /mail +orders\.placed .*not_found: nobody has an address\n/,
    );
    const [first, second] = letters;
    const shown = await run('dead-letters', 'show', first?.id ?? '');
    assert.match(shown.out, /^dead letter #1 {2}orders\.placed\ngroup +mail\n/);
    assert.match(
      shown.out,
      /error +not_found: nobody has an address\n.*stack\n.*mail\.ts.*payload\n.*"poison-1"/s,
    );

    assert.equal((await run('dead-letters', 'redrive')).status, 2);
    const dry = await run('dead-letters', 'redrive', '--all', '--dry-run');
    assert.match(dry.talk, /^2 dead letters would be given back: mail 2\n$/);

    // Nothing is mended: it dies again, and is not taken for the one that was given back.
    assert.equal((await run('dead-letters', 'redrive', String(second?.sequence))).status, 0);
    const again = await waitFor(
      async () => {
        const found = await json<(Letter & { redrives: number })[]>('dead-letters', 'ls');
        return found.length === 2 && found.find(({ redrives }) => redrives === 1);
      },
      { what: 'the poison to die again' },
    );
    assert.equal(again.id, second?.id);

    await fleet.call('mail.mend');
    const redriven = await run('dead-letters', 'redrive', '--filter', 'group=mail', '--rate', '50/s');
    assert.match(redriven.talk, /^2 dead letters given back: mail 2\n$/);
    await waitFor(async () => (await sent()).filter((order) => order.startsWith('poison')).length === 2, {
      what: 'the poison to be handled',
    });
    assert.match((await run('dead-letters', 'ls')).talk, /^no dead letters\n$/);
  });

  it('lets a group handle stored messages once more', async () => {
    const before = (await sent()).length;
    const arguments_ = [
      'stream',
      'replay',
      'orders.placed',
      '--group',
      'mail',
      '--from',
      '3',
      '--until',
      '5',
    ];
    const dry = await run(...arguments_, '--dry-run');
    assert.match(dry.talk, /^3 messages would be given to mail: #3 of .* to #5 of .* \(placed 3\)\n$/);
    assert.equal((await sent()).length, before);
    assert.equal((await run(...arguments_)).status, 0);
    const orders = await waitFor(
      async () => {
        const now = await sent();
        return now.length >= before + 3 ? now : undefined;
      },
      { what: 'the messages to be handled again' },
    );
    assert.deepEqual(orders.slice(before).sort(), ['order-3', 'order-4', 'order-5']);
    const nobody = await run('stream', 'replay', 'orders', '--group', 'nobody', '--from', '1');
    assert.equal(nobody.status, 1);
    assert.match(nobody.talk, /no group "nobody" reads events of orders: those that do are mail, printer/);
  });

  if (engine === 'embedded broker') {
    it('says how the broker is', async () => {
      const { out } = await run('broker', 'status');
      assert.match(out, /^embedded broker \S+ {2}nats:\/\/127\.0\.0\.1:\d+\n/);
      assert.match(out, /durability +disk: an acknowledgement means: flushed to disk\n/);
      assert.match(
        (await run('doctor')).out,
        /(ok +broker store +.*no damaged record was found|note +broker store +.*the disk is slow or busy)/,
      );
    });

    it('backs up a running broker, and brings the backup back when it is stopped', async () => {
      const backup = join(folder, 'backup');
      const made = await run('broker', 'backup', backup);
      assert.equal(made.status, 0, made.talk);
      assert.match(made.talk, /^backed up \d+ messages in \d+ streams .*; every message was read back\n$/);
      const again = await run('broker', 'backup', backup);
      assert.equal(again.status, 1);
      assert.match(again.talk, /exists, and a backup never overwrites anything/);
      assert.equal((await run('broker', 'restore', backup)).status, 6, 'refused while the fleet runs');

      await place('after-the-backup', 'customer-1');
      await fleet.interrupt();
      const restored = await json<{ previous: string; directory: string }>('broker', 'restore', backup);
      assert.equal(restored.directory, join(fleet.data, 'broker'));
      assert.ok(existsSync(restored.previous));
      assert.match((await run('doctor')).out, /ok +broker store/);

      fleet = await FleetProcess.start({
        config,
        data: fleet.data,
      });
      const [last] = (
        await run('stream', 'tail', 'orders', '--last', '1', '--no-follow', '--json')
      ).out.split('\n');
      assert.equal(JSON.parse(last ?? '').payload.order, 'poison-2');
      const { sequence } = await place('order-after-the-restore', 'customer-1');
      assert.ok(sequence > 0);
    });
  } else {
    it('says what it does not know of a server that is not Flotilla’s, and leaves its backups to itself', async () => {
      const { out } = await run('broker', 'status');
      assert.match(out, /^nats-server \S+ {2}nats:.*\nserver +\S+\nstores +\d+ messages/);
      assert.match(out, /not Flotilla's own broker/);
      assert.match((await run('doctor')).out, /note +broker store +.*which is not examined/);
      const { status, talk } = await run('broker', 'backup', join(folder, 'backup'));
      assert.equal(status, 1);
      assert.match(
        talk,
        /a NATS server of its own, which Flotilla does not back up\nrepair: use the tools of NATS/,
      );
    });
  }
}
