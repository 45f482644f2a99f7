import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldBack, type Pausable } from './hold-back.ts';

class Input implements Pausable {
  readonly calls: string[] = [];

  pause(): void {
    this.calls.push('pause');
  }

  resume(): void {
    this.calls.push('resume');
  }
}

test('a publisher waits until the slower one lets go', () => {
  const [fast, slow] = [new Input(), new Input()];
  const [publisher, subscriber] = [new HoldBack(fast), new HoldBack(slow)];
  publisher.waitFor(subscriber);
  publisher.waitFor(subscriber);
  assert.deepEqual([fast.calls, subscriber.isWaitedFor], [['pause'], true]);
  subscriber.release();
  assert.deepEqual([fast.calls, slow.calls, subscriber.isWaitedFor], [['pause', 'resume'], [], false]);
});

test('a publisher waits no longer than its time, whatever the slower one does', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const fast = new Input();
  const [publisher, subscriber] = [new HoldBack(fast), new HoldBack(new Input())];
  publisher.waitFor(subscriber);
  t.mock.timers.tick(99);
  assert.deepEqual(fast.calls, ['pause']);
  t.mock.timers.tick(1);
  assert.deepEqual([fast.calls, subscriber.isWaitedFor], [['pause', 'resume'], false]);
  subscriber.release();
  assert.deepEqual(fast.calls, ['pause', 'resume']);
});

test('when either of the two closes, the publisher goes on', () => {
  for (const closes of ['publisher', 'subscriber']) {
    const fast = new Input();
    const [publisher, subscriber] = [new HoldBack(fast), new HoldBack(new Input())];
    publisher.waitFor(subscriber);
    (closes === 'publisher' ? publisher : subscriber).end();
    assert.deepEqual(fast.calls, ['pause', 'resume'], closes);
  }
});

test('nobody waits for itself', () => {
  const input = new Input();
  const both = new HoldBack(input);
  both.waitFor(both);
  assert.deepEqual(input.calls, []);
});
