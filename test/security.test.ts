import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectNats } from '@nats-io/transport-node';
import { deriveToken } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { FleetProcess } from './fleet-process.ts';

let fleet: FleetProcess;

before(async () => {
  fleet = await FleetProcess.start();
});

after(async () => {
  await fleet?.dispose();
});

/** Local addresses of the TCP sockets on which a process listens, as /proc has them. */
function listeners(pid: number): string[] {
  const inodes = new Set<string>();
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const target = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      if (target) inodes.add(target[1]!);
    } catch {
      // closed in between
    }
  }
  return ['tcp', 'tcp6'].flatMap((family) =>
    readFileSync(`/proc/${pid}/net/${family}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && inodes.has(fields[9]!))
      .map((fields) => fields[1]!.split(':')[0]!),
  );
}

const onLinux = { skip: process.platform === 'linux' ? false : 'reads /proc, which only Linux has' };

test('every listener of every process is on loopback', onLinux, async () => {
  const pids = [fleet.ready.pid, ...(await fleet.ps()).map(({ pid }) => pid)];
  let found = 0;
  for (const pid of pids) {
    for (const address of listeners(pid)) {
      found += 1;
      // 127.0.0.1 in the byte order of the kernel's table.
      assert.equal(address, '0100007F', `process ${pid} listens on ${address}`);
    }
  }
  assert.ok(found > 10, 'the table of sockets was read');
});

test('the broker refuses without the secret and takes the derived token', async () => {
  await assert.rejects(
    connectNats({ servers: fleet.broker, reconnect: false, timeout: 2_000 }),
    /authorization/i,
  );
  const wrong = { servers: fleet.broker, token: 'wrong', reconnect: false, timeout: 2_000 };
  await assert.rejects(connectNats(wrong), /authorization/i);
  const connection = await connectNats({ servers: fleet.broker, token: deriveToken(fleet.secret, 'broker') });
  await connection.close();
});

test('the admin ports refuse without the token, on every path', async () => {
  const member = await fleet.member();
  const admins = await waitFor(() => {
    const found = member.discovery.list().flatMap(({ admin }) => (admin ? [admin] : []));
    return found.length >= 8 ? found : undefined;
  });
  const token = deriveToken(fleet.secret, 'admin');
  for (const admin of admins) {
    for (const path of ['/health/live', '/health/ready', '/metrics', '/rpc/matching/audit', '/']) {
      const method = path.startsWith('/rpc') ? 'POST' : 'GET';
      assert.equal((await fetch(`${admin}${path}`, { method })).status, 401, `${admin}${path}`);
      const headers = { authorization: `Bearer ${deriveToken(fleet.secret, 'wire')}` };
      assert.equal((await fetch(`${admin}${path}`, { method, headers })).status, 401, 'another purpose');
    }
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await fetch(`${admin}/health/ready`, { headers })).status, 200);
    assert.match(await (await fetch(`${admin}/metrics`, { headers })).text(), /^process_cpu_seconds_total /m);
  }
});

test('the wire says nothing to who does not prove the secret', async () => {
  const { address } = (await fleet.ps()).find(({ service }) => service === 'matching')!;
  const { hostname, port } = new URL(address.replace('tcp:', 'http:'));
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write('GET / HTTP/1.1\r\n\r\n'));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    socket.on('error', reject);
  });
  assert.doesNotMatch(answer.toString('latin1'), /BTC|matching\.submit/);
});

test('the control socket and the secret are for their owner only', onLinux, async () => {
  const run = join(fleet.data, 'run');
  assert.equal(statSync(run).mode & 0o777, 0o700);
  for (const name of readdirSync(run)) {
    const { mode } = statSync(join(run, name));
    assert.equal(mode & 0o077, 0, `${name} has mode ${(mode & 0o777).toString(8)}`);
  }
});

test('the secret is in no log, argument list or public answer', onLinux, async () => {
  const { secret } = fleet;
  const tokens = [
    secret,
    ...(['wire', 'broker', 'admin', 'control'] as const).map((p) => deriveToken(secret, p)),
  ];
  const logs = readdirSync(join(fleet.data, 'logs')).map((name) =>
    readFileSync(join(fleet.data, 'logs', name), 'utf8'),
  );
  const commands = (await fleet.ps()).map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  const shown = [...logs, ...commands, ...fleet.talk, await fleet.cli('ps', '--json')].join('\n');
  for (const token of tokens) assert.ok(!shown.includes(token), 'a secret is shown');
});
