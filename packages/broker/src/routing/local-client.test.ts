import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalClient } from './local-client.ts';
import { Message } from './message.ts';
import { Router } from './router.ts';

function fail(error: unknown): never {
  throw error;
}

test('in-process clients exchange subject, reply, headers and body', () => {
  const router = new Router();
  const [api, caller] = [new LocalClient(router, fail), new LocalClient(router, fail)];
  const seen: unknown[] = [];
  api.subscribe('$JS.API.>', (subject, reply, headers, body) => {
    seen.push([subject, reply, headers?.toString(), body.toString()]);
    assert.equal(api.publish(reply, Buffer.from('done')), 1);
  });
  caller.subscribe('inbox', (subject, reply, headers, body) => {
    seen.push([subject, reply, headers, body.toString()]);
  });
  const headers = Buffer.from('NATS/1.0\r\nA: b\r\n\r\n');
  assert.equal(caller.publish('$JS.API.INFO', Buffer.from('?'), { reply: 'inbox', headers }), 1);
  assert.deepEqual(seen, [
    ['$JS.API.INFO', 'inbox', 'NATS/1.0\r\nA: b\r\n\r\n', '?'],
    ['inbox', '', undefined, 'done'],
  ]);
});

test('a client does not see what it publishes itself', () => {
  const router = new Router();
  const client = new LocalClient(router, fail);
  client.subscribe('a', () => assert.fail('echoed'));
  assert.equal(client.publish('a', Buffer.from('x')), 0);
});

test('a stored message is delivered to an inbox under its own subject', () => {
  const router = new Router();
  const [stream, consumer] = [new LocalClient(router, fail), new LocalClient(router, fail)];
  const subjects: string[] = [];
  consumer.subscribe('inbox.*', (subject) => subjects.push(subject));
  assert.equal(stream.publish('orders.ñ', Buffer.from('x'), { to: 'inbox.1' }), 1);
  assert.deepEqual(subjects, ['orders.ñ']);
});

test('a handler that throws harms neither the publisher nor other subscribers', () => {
  const router = new Router();
  const failures: unknown[] = [];
  const client = new LocalClient(router, (error, subject) => failures.push([subject, error]));
  const boom = new TypeError('boom');
  let calls = 0;
  client.subscribe('a', () => {
    throw boom;
  });
  client.subscribe('a', () => calls++);
  const other = new LocalClient(router, fail);
  assert.equal(other.publish('a', Buffer.from('x')), 2);
  assert.equal(calls, 1);
  assert.deepEqual(failures, [['a', boom]]);
});

test('a subscription ends by itself at its maximum, or when told to', () => {
  const router = new Router();
  const [client, other] = [new LocalClient(router, fail), new LocalClient(router, fail)];
  let calls = 0;
  client.subscribe('a', () => calls++, { max: 1 });
  const end = client.subscribe('b', () => calls++);
  for (let i = 0; i < 3; i++) other.publish('a', Buffer.from('x'));
  end();
  assert.equal(other.publish('b', Buffer.from('x')), 0);
  assert.equal(calls, 1);
  assert.equal(client.hasInterest('a'), false);
});

test('members of a queue group share the messages', () => {
  const router = new Router(() => 0);
  const [client, other] = [new LocalClient(router, fail), new LocalClient(router, fail)];
  let calls = 0;
  for (let i = 0; i < 3; i++) client.subscribe('work', () => calls++, { queue: 'workers' });
  assert.equal(other.publish('work', Buffer.from('x')), 1);
  assert.equal(calls, 1);
});

test('a body that is kept stays as it was while the connection goes on', () => {
  const router = new Router();
  const client = new LocalClient(router, fail);
  const kept: Buffer[] = [];
  client.subscribe('>', (_subject, _reply, _headers, body) => kept.push(body));
  const reused = new Message();
  const origin = new LocalClient(router, fail);
  for (const text of ['one', 'two']) {
    reused.subject = 'a';
    reused.bytes = Buffer.from(text);
    reused.start = 0;
    reused.end = 3;
    router.publish(origin, reused);
  }
  assert.deepEqual(
    kept.map((body) => body.toString()),
    ['one', 'two'],
  );
});
