import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnnouncementReader } from './announcement-reader.ts';

const ledger = {
  service: 'ledger',
  instance: 'ledger-1',
  version: '1.0.0',
  contract: 'abc',
  address: 'tcp://127.0.0.1:4000',
  zone: 'local',
  weight: 1,
  state: 'ready',
  startedAt: 1,
  pid: 7,
};
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

test('what is said again is the same value as before', () => {
  const reader = new AnnouncementReader();
  const first = reader.read(bytes(ledger));
  assert.deepEqual(first, ledger);
  assert.equal(reader.read(bytes(ledger)), first);
});

test('news of an instance replace what it said before, and those of another do not', () => {
  const reader = new AnnouncementReader();
  const first = reader.read(bytes(ledger));
  assert.equal(reader.read(bytes({ ...ledger, instance: 'ledger-2' })).instance, 'ledger-2');
  assert.equal(reader.read(bytes(ledger)), first);
  assert.equal(reader.read(bytes({ ...ledger, state: 'draining' })).state, 'draining');
  const again = reader.read(bytes(ledger));
  assert.deepEqual(again, first);
  assert.notEqual(again, first);
});

test('an instance that is gone is forgotten', () => {
  const reader = new AnnouncementReader();
  const first = reader.read(bytes(ledger));
  reader.forget('ledger-1');
  reader.forget('unknown');
  assert.notEqual(reader.read(bytes(ledger)), first);
});

test('what is no announcement is refused each time', () => {
  const reader = new AnnouncementReader();
  for (const wrong of [bytes({ service: 'ledger' }), Buffer.from('{'), Buffer.alloc(0)]) {
    assert.throws(() => reader.read(wrong));
    assert.throws(() => reader.read(wrong));
  }
});
