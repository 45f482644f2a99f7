/** The page of code in the README, run as it stands there. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { deriveToken } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { request, serverSentEvents } from './exchange-client.ts';
import { FleetProcess, repository } from './fleet-process.ts';

let folder: string;
let fleet: FleetProcess;

/** The code blocks, TypeScript or SQL, that begin with a comment naming a file. */
function filesOfReadme(): Map<string, string> {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const blocks = [
    ...readme.matchAll(/^```(?:ts|sql)\n((?:\/\/|--) ([^\s:]+\.(?:ts|sql))\b[^\n]*\n[\s\S]*?)^```$/gm),
  ];
  return new Map(blocks.map(([, text, path]) => [path!, text!]));
}

before(async () => {
  // Inside the repository, so that the packages are found as in a project that has installed them.
  folder = mkdtempSync(join(repository, 'test', '.readme-'));
  for (const [path, text] of filesOfReadme()) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  fleet = await FleetProcess.start({ config: join(folder, 'flotilla.config.ts') });
});

after(async () => {
  await fleet?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test('the greeter answers over HTTP and to the command', async () => {
  const { body } = await request<{ text: string }>(fleet.gateway, 'GET', '/v1/greetings/ann');
  assert.equal(body.text, 'Hello, ann');
  assert.match(await fleet.cli('call', 'greeter.greet', '{"name":"ann"}'), /Hello, ann/);
});

test('a declared error is a problem with its code', async () => {
  const { status, body } = await request<{ code: string }>(fleet.gateway, 'GET', '/v1/greetings/r2d2');
  assert.deepEqual([status, body.code], [422, 'not_a_name']);
});

test('another service counts every greeting once', async () => {
  for (let n = 0; n < 3; n++) await request(fleet.gateway, 'GET', '/v1/greetings/bea');
  const visits = async () =>
    (await request<{ visits: number }>(fleet.gateway, 'GET', '/v1/visitors/bea')).body.visits;
  await waitFor(async () => (await visits()) >= 3);
  assert.equal(await visits(), 3);
});

test('its stream arrives as Server-Sent Events', async () => {
  const seen: unknown[] = [];
  for await (const { data } of serverSentEvents(
    `${fleet.gateway}/v1/count?to=3`,
    AbortSignal.timeout(10_000),
  )) {
    seen.push(data);
  }
  assert.deepEqual(seen, [1, 2, 3]);
});

test('a wrong field is a 400 that names it', async () => {
  const { status, body } = await request(fleet.gateway, 'GET', '/v1/count?to=many');
  assert.equal(status, 400);
  assert.match(JSON.stringify(body), /"parameter":"to"/);
});

test('two replicas serve, and share the calls', async () => {
  const replicas = (await fleet.ps()).filter(({ service }) => service === 'greeter');
  assert.equal(replicas.length, 2);
  const member = await fleet.member();
  await waitFor(() => member.discovery.list('greeter').length === 2);
  const handled = async (admin: string) => {
    const headers = { authorization: `Bearer ${deriveToken(fleet.secret, 'admin')}` };
    return (await fetch(`${admin}/metrics`, { headers })).text();
  };
  for (let n = 0; n < 40; n++) await fleet.call('greeter.greet', { name: 'ann' }).catch(() => {});
  for (const { admin } of member.discovery.list('greeter')) {
    assert.match(
      await handled(admin!),
      /flotilla_server_calls_total\{code="\w+",operation="greeter\.greet"\} [1-9]/,
    );
  }
});
