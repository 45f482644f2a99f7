import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { clientOrderIds, isOfEpoch } from './client-order-ids.ts';

test('ids of one participant and epoch are always the same, and never repeat', () => {
  const [ids, again] = [clientOrderIds('maker-BTC-USD', '17'), clientOrderIds('maker-BTC-USD', '17')];
  const first = Array.from({ length: 500 }, () => ids());
  assert.deepEqual(
    Array.from({ length: 500 }, () => again()),
    first,
  );
  assert.equal(new Set(first).size, 500);
  assert.equal(first[0], 'maker-BTC-USD-17-1');
});

test('another name or epoch never gives the same id', () => {
  const name = fc.stringMatching(/^[a-c-]{0,4}$/);
  const epoch = fc.stringMatching(/^[a-c1-2]{1,3}$/);
  fc.assert(
    fc.property(name, epoch, name, epoch, (name1, epoch1, name2, epoch2) => {
      fc.pre(name1 !== name2 || epoch1 !== epoch2);
      const [one, other] = [clientOrderIds(name1, epoch1), clientOrderIds(name2, epoch2)];
      const ids = new Set(Array.from({ length: 50 }, () => one()));
      for (let count = 0; count < 50; count++) assert.ok(!ids.has(other()));
    }),
  );
});

test('an epoch that could be mistaken for a part of a name is refused', () => {
  for (const epoch of ['', '1-2', 'a b']) assert.throws(() => clientOrderIds('maker', epoch), RangeError);
});

test('an id tells whose it is and of which epoch', () => {
  const id = clientOrderIds('maker-BTC-USD', 'e1')();
  assert.equal(isOfEpoch(id, 'maker-BTC-USD', 'e1'), true);
  assert.equal(isOfEpoch(id, 'maker-BTC-USD', 'e'), false);
  assert.equal(isOfEpoch(id, 'maker-BTC-USD', 'e11'), false);
  assert.equal(isOfEpoch(id, 'maker-BTC', 'e1'), false);
  assert.equal(isOfEpoch(id, 'noise-BTC-USD', 'e1'), false);
});
