import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Message } from './message.ts';
import { Router, SATURATED } from './router.ts';
import type { Subscriber, Subscription } from './subscription.ts';

class Inbox implements Subscriber {
  readonly got: string[] = [];
  readonly ended: string[] = [];
  echo = true;
  open = true;
  onDeliver: (() => void) | undefined;

  deliver(subscription: Subscription, message: Message): boolean {
    if (!this.open) return false;
    this.got.push(`${subscription.sid}:${message.subject}`);
    this.onDeliver?.();
    return true;
  }

  expired(subscription: Subscription): void {
    this.ended.push(subscription.sid);
  }
}

const publisher = new Inbox();

function send(router: Router, subject: string, origin: Subscriber = publisher): number {
  return router.publish(origin, Message.of(subject, '', undefined, Buffer.from('x')));
}

test('a message reaches every plain subscription that matches, and the publisher learns how many', () => {
  const router = new Router();
  const inbox = new Inbox();
  router.subscribe(inbox, 'a.*', '', '1');
  router.subscribe(inbox, 'a.b', '', '2');
  router.subscribe(inbox, 'c', '', '3');
  assert.equal(send(router, 'a.b'), 2);
  assert.deepEqual(inbox.got.sort(), ['1:a.b', '2:a.b']);
  assert.equal(send(router, 'nobody'), 0);
});

test('without echo a client does not get its own messages, others do', () => {
  const router = new Router();
  const quiet = new Inbox();
  const other = new Inbox();
  quiet.echo = false;
  router.subscribe(quiet, 'a', '', '1');
  router.subscribe(other, 'a', '', '1');
  assert.equal(send(router, 'a', quiet), 1);
  assert.deepEqual([quiet.got.length, other.got.length], [0, 1]);
});

test('a message can be routed to another subject than its own', () => {
  const router = new Router();
  const inbox = new Inbox();
  router.subscribe(inbox, 'inbox.1', '', '7');
  const stored = Message.of('orders.new', '', undefined, Buffer.from('x'));
  assert.equal(router.publish(publisher, stored, 'inbox.1'), 1);
  assert.deepEqual(inbox.got, ['7:orders.new']);
});

describe('queue groups', () => {
  test('one member of each group gets a message, picked evenly over overlapping patterns', () => {
    const picks = [0, 0.3, 0.6, 0.99];
    let next = 0;
    const router = new Router(() => picks[next++ % picks.length]!);
    const inbox = new Inbox();
    router.subscribe(inbox, 'a.b', 'q', '1');
    router.subscribe(inbox, 'a.b', 'q', '2');
    router.subscribe(inbox, 'a.*', 'q', '3');
    router.subscribe(inbox, 'a.>', 'q', '4');
    for (let i = 0; i < 4; i++) assert.equal(send(router, 'a.b'), 1);
    assert.deepEqual(inbox.got.sort(), ['1:a.b', '2:a.b', '3:a.b', '4:a.b']);
  });

  test('a member that cannot take the message leaves it to another one', () => {
    const open = new Inbox();
    const closed = new Inbox();
    closed.open = false;
    for (const pick of [0, 0.2, 0.4, 0.6, 0.8]) {
      const router = new Router(() => pick);
      for (const pattern of ['a', '*', '>']) router.subscribe(closed, pattern, 'q', '1');
      router.subscribe(open, 'a', 'q', '2');
      assert.equal(send(router, 'a'), 1);
    }
    assert.equal(open.got.length, 5);
  });

  test('when no member can take it, nobody does', () => {
    const router = new Router();
    const quiet = new Inbox();
    quiet.echo = false;
    router.subscribe(quiet, 'a', 'q', '1');
    router.subscribe(quiet, '*', 'q', '2');
    assert.equal(send(router, 'a', quiet), 0);
  });
});

describe('limits on a subscription', () => {
  test('it ends with the message that reaches the maximum, counting those before the limit was set', () => {
    const router = new Router();
    const inbox = new Inbox();
    const subscription = router.subscribe(inbox, 'a', '', '1');
    send(router, 'a');
    router.limit(subscription, 2);
    assert.equal(send(router, 'a'), 1);
    assert.equal(send(router, 'a'), 0);
    assert.deepEqual(inbox.ended, ['1']);
    assert.equal(router.subscriptions, 0);
  });

  test('a maximum that is already reached ends it at once', () => {
    const router = new Router();
    const inbox = new Inbox();
    const subscription = router.subscribe(inbox, 'a', '', '1');
    send(router, 'a');
    router.limit(subscription, 1);
    assert.equal(send(router, 'a'), 0);
    assert.deepEqual(inbox.ended, ['1']);
  });
});

describe('changes while a message is being delivered', () => {
  test('a subscription made meanwhile does not get the message', () => {
    const router = new Router();
    const inbox = new Inbox();
    router.subscribe(inbox, 'a', '', '1');
    inbox.onDeliver = () => router.subscribe(inbox, 'a', '', '2');
    assert.equal(send(router, 'a'), 1);
    inbox.onDeliver = undefined;
    assert.equal(send(router, 'a'), 2);
  });

  test('subscriptions that end meanwhile get nothing more, and nobody gets it twice or not at all', () => {
    const router = new Router();
    const inbox = new Inbox();
    const subscriptions = Array.from({ length: 6 }, (_, sid) =>
      router.subscribe(inbox, 'a', '', String(sid)),
    );
    inbox.onDeliver = () => {
      router.unsubscribe(subscriptions[1]!);
      router.unsubscribe(subscriptions[5]!);
      assert.equal(router.hasInterest('a'), true);
    };
    send(router, 'a');
    assert.deepEqual(inbox.got.filter((entry) => entry !== '5:a').sort(), ['0:a', '2:a', '3:a', '4:a']);
    assert.equal(router.subscriptions, 4);
    inbox.got.length = 0;
    assert.equal(send(router, 'a'), 4);
  });

  test('a publish within a delivery is complete before the outer one goes on', () => {
    const router = new Router();
    const inbox = new Inbox();
    router.subscribe(inbox, 'outer', '', '1');
    router.subscribe(inbox, 'inner', '', '2');
    inbox.onDeliver = () => {
      inbox.onDeliver = undefined;
      assert.equal(send(router, 'inner'), 1);
    };
    assert.equal(send(router, 'outer'), 1);
    assert.deepEqual(inbox.got, ['1:outer', '2:inner']);
  });
});

test('interest is known without publishing, queue groups included', () => {
  const router = new Router();
  const inbox = new Inbox();
  const plain = router.subscribe(inbox, 'a.*', '', '1');
  router.subscribe(inbox, 'b', 'q', '2');
  assert.deepEqual(
    [router.hasInterest('a.x'), router.hasInterest('b'), router.hasInterest('c')],
    [true, true, false],
  );
  router.unsubscribe(plain);
  assert.equal(router.hasInterest('a.x'), false);
});

test('a subscriber finds its own plain subscription for a subject, never a member of a group or of others', () => {
  const router = new Router();
  const inbox = new Inbox();
  router.subscribe(new Inbox(), 'in', '', '1');
  router.subscribe(inbox, 'in', 'q', '2');
  assert.equal(router.ownPlain(inbox, 'in'), undefined);
  router.subscribe(inbox, 'in', '', '3');
  assert.equal(router.ownPlain(inbox, 'in')?.sid, '3');
});

/** A subscriber that can be full. */
class Tank extends Inbox {
  readonly relieved: (() => void)[] = [];
  readonly backlog = {
    saturated: false,
    whenRelieved: (listener: () => void): void => {
      this.relieved.push(listener);
    },
  };
}

describe('a message that can wait', () => {
  const stored = Message.of('a', '', undefined, Buffer.from('x'));

  test('reaches nobody while a plain subscriber is saturated', () => {
    const router = new Router();
    const [full, other] = [new Tank(), new Inbox()];
    router.subscribe(full, 'inbox', '', '1');
    router.subscribe(other, 'inbox', '', '1');
    full.backlog.saturated = true;
    let calls = 0;
    assert.equal(
      router.publishPatiently(publisher, stored, 'inbox', () => calls++),
      SATURATED,
    );
    assert.deepEqual([full.got, other.got], [[], []]);
    full.relieved[0]!();
    assert.equal(calls, 1);
    full.backlog.saturated = false;
    assert.equal(
      router.publishPatiently(publisher, stored, 'inbox', () => {}),
      2,
    );
  });

  test('goes to another member of the queue group, and waits when all are saturated', () => {
    const router = new Router(() => 0);
    const tanks = [new Tank(), new Tank()];
    for (const tank of tanks) router.subscribe(tank, 'inbox', 'workers', '1');
    const send = (): number => router.publishPatiently(publisher, stored, 'inbox', () => {});
    tanks[0]!.backlog.saturated = true;
    assert.equal(send(), 1);
    assert.deepEqual([tanks[0]!.got.length, tanks[1]!.got.length], [0, 1]);
    tanks[1]!.backlog.saturated = true;
    assert.equal(send(), SATURATED);
    assert.deepEqual([tanks[0]!.relieved.length, tanks[1]!.relieved.length], [1, 1]);
  });

  test('is not held back by a subscriber that has left', () => {
    const router = new Router();
    const full = new Tank();
    full.backlog.saturated = true;
    router.unsubscribe(router.subscribe(full, 'inbox', '', '1'));
    assert.equal(
      router.publishPatiently(publisher, stored, 'inbox', () => {}),
      0,
    );
  });
});

test('interest in a subject is told when the first subscriber comes and when the last goes', () => {
  const router = new Router();
  const inbox = new Inbox();
  const told: boolean[] = [];
  const before = router.subscribe(inbox, 'a', '', '1');
  const end = router.watch('a', '', (interested) => told.push(interested));
  assert.deepEqual(told, [true]);
  const second = router.subscribe(inbox, 'a', '', '2');
  router.subscribe(inbox, '*', '', '3');
  router.subscribe(inbox, 'a', 'group', '4');
  router.unsubscribe(before);
  assert.deepEqual(told, [true]);
  router.limit(second, 1);
  send(router, 'a');
  assert.deepEqual(told, [true, false], 'neither wildcards nor queue groups count');
  router.subscribe(inbox, 'a', '', '5');
  end();
  router.subscribe(inbox, 'a', '', '6');
  assert.deepEqual(told, [true, false, true]);
});

test('interest of a queue group is watched apart', () => {
  const router = new Router();
  const told: boolean[] = [];
  router.watch('a', 'group', (interested) => told.push(interested));
  router.subscribe(new Inbox(), 'a', '', '1');
  router.unsubscribe(router.subscribe(new Inbox(), 'a', 'group', '2'));
  assert.deepEqual(told, [false, true, false]);
});
