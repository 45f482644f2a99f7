import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fault, FaultTarget } from './fault.ts';
import { FaultBook, hitsEdge, hitsOperation, hitsProcess } from './fault-book.ts';
import { parseFaultTarget } from './fault-text.ts';

function fault(id: string, expiresAt: number, target: FaultTarget = { service: 'ledger' }): Fault {
  return { id, target, expiresAt, kind: 'blackhole' };
}

const ids = (faults: readonly Fault[]) => faults.map(({ id }) => id);

describe('the book of faults', () => {
  it('tells what has begun and ended when faults are replaced', () => {
    const book = new FaultBook();
    const first = book.set([fault('a', 100), fault('b', 200)], 0);
    assert.deepEqual([ids(first.begun), ids(first.ended)], [['a', 'b'], []]);
    const second = book.set([fault('b', 200), fault('c', 300)], 10);
    assert.deepEqual([ids(second.begun), ids(second.ended)], [['c'], ['a']]);
    assert.deepEqual(ids(book.active), ['b', 'c']);
  });

  it('says nothing, and keeps its list as it is, when nothing changes', () => {
    const book = new FaultBook();
    book.set([fault('a', 100)], 0);
    const { active } = book;
    const change = book.set([fault('a', 100)], 10);
    assert.deepEqual([change.begun.length, change.ended.length], [0, 0]);
    assert.equal(book.active, active);
  });

  it('ends faults at their time, the first of which it tells', () => {
    const book = new FaultBook();
    book.set([fault('a', 300), fault('b', 200)], 0);
    assert.equal(book.nextExpiry, 200);
    assert.deepEqual(ids(book.expire(199).ended), []);
    assert.deepEqual(ids(book.expire(200).ended), ['b']);
    assert.equal(book.nextExpiry, 300);
    assert.deepEqual(ids(book.expire(1_000).ended), ['a']);
    assert.deepEqual([book.nextExpiry, book.active.length], [Number.POSITIVE_INFINITY, 0]);
  });

  it('never begins what has already expired', () => {
    const book = new FaultBook();
    assert.deepEqual(ids(book.set([fault('a', 100), fault('b', 101)], 100).begun), ['b']);
  });
});

describe('a fault hits', () => {
  const ledger1 = { service: 'ledger', instance: 'ledger-1' };
  const ledger2 = { service: 'ledger', instance: 'ledger-2' };
  const risk = { service: 'risk', instance: 'risk-1' };
  const on = (text: string) => fault('f', 1, parseFaultTarget(text));

  it('every instance of a service, or the one that it names', () => {
    assert.ok(hitsProcess(on('ledger'), ledger1) && hitsProcess(on('ledger'), ledger2));
    assert.ok(hitsProcess(on('ledger-2'), ledger2));
    assert.ok(!hitsProcess(on('ledger-2'), ledger1) && !hitsProcess(on('ledger'), risk));
    assert.ok(!hitsProcess(on('risk->ledger'), ledger1) && !hitsProcess(on('risk->ledger'), risk));
  });

  it('an edge in its direction only, with ends that are services or instances', () => {
    assert.ok(hitsEdge(on('risk->ledger'), risk, ledger1));
    assert.ok(!hitsEdge(on('risk->ledger'), ledger1, risk));
    assert.ok(hitsEdge(on('risk->ledger-2'), risk, ledger2));
    assert.ok(!hitsEdge(on('risk->ledger-2'), risk, ledger1));
    assert.ok(hitsEdge(on('risk-1->ledger'), risk, ledger1));
    assert.ok(!hitsEdge(on('ledger'), risk, ledger1));
  });

  it('the operation that it names, and no other whose name ends alike', () => {
    assert.ok(hitsOperation(on('risk->ledger.hold'), 'ledger.hold'));
    assert.ok(!hitsOperation(on('risk->ledger.hold'), 'ledger.unhold'));
    assert.ok(!hitsOperation(on('risk->ledger.hold'), 'ledger.holdAll'));
    assert.ok(!hitsOperation(on('risk->ledger.hold'), 'hold'));
    assert.ok(hitsOperation(on('risk->ledger'), 'ledger.release'));
  });
});
