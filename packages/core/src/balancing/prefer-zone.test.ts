import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferZone } from './prefer-zone.ts';
import { Endpoint } from './testing/endpoints.ts';

function inZones(...zones: string[]): Endpoint[] {
  return zones.map((zone, i) => new Endpoint(`i-${i}`, { zone }));
}

function chosen(candidates: readonly Endpoint[], zone: string): string {
  return preferZone(candidates, zone)
    .map((candidate) => candidate.zone)
    .join('');
}

test('calls stay in the own zone', () => {
  assert.equal(chosen(inZones('a', 'b', 'c', 'a'), 'a'), 'aa');
  assert.equal(chosen(inZones('a', 'b', 'c', 'a'), 'b'), 'b');
});

test('where the zone makes no difference the candidates stay the same array', () => {
  for (const candidates of [inZones('a', 'a'), inZones('b', 'c'), []]) {
    assert.equal(preferZone(candidates, 'a'), candidates);
  }
});

test('a zone that lost most of its instances is helped out by all', () => {
  assert.equal(chosen(inZones('a', 'a', 'a', 'b', 'b', 'b'), 'a'), 'aaa');
  assert.equal(chosen(inZones('a', 'a', 'b', 'b', 'b'), 'a'), 'aa');
  assert.equal(chosen(inZones('a', 'b', 'b', 'b'), 'a'), 'abbb');
  assert.equal(chosen(inZones('a', 'b', 'b', 'b'), 'b'), 'bbb');
});

test('it is the weight that counts', () => {
  const strong = new Endpoint('strong', { zone: 'a', weight: 3 });
  assert.deepEqual(preferZone([strong, ...inZones('b', 'b', 'b')], 'a'), [strong]);
});
