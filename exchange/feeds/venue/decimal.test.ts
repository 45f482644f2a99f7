import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DecimalError, parseScaled } from './decimal.ts';

test('a decimal text becomes an exact integer of its scale', () => {
  assert.equal(parseScaled('61685.99000000', 2), 6168599);
  assert.equal(parseScaled('0.00017000', 5), 17);
  assert.equal(parseScaled('7', 3), 7000);
  assert.equal(parseScaled('0.00000000', 2), 0);
});

test('a digit that the scale cannot hold is refused, not rounded', () => {
  assert.throws(() => parseScaled('191.38900600', 5), DecimalError);
  assert.equal(parseScaled('191.38900600', 6), 191389006);
});

test('texts that are not plain decimals are refused', () => {
  for (const text of ['', '.', '.5', '5.', '1.2.3', '-1', '+1', '1e5', ' 1', '1,0', 'NaN', '0x10']) {
    assert.throws(() => parseScaled(text, 2), DecimalError, `"${text}" was accepted`);
  }
});

test('values beyond a safe integer are refused', () => {
  assert.equal(parseScaled('90071992.54740991', 8), Number.MAX_SAFE_INTEGER);
  assert.throws(() => parseScaled('90071992.54740992', 8), DecimalError);
  assert.throws(() => parseScaled('99999999999999999999', 0), DecimalError);
  assert.throws(() => parseScaled('9007199254740991', 1), DecimalError);
});

test('reading agrees with exact integer arithmetic for every scale', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1e9 }), fc.nat({ max: 8 }), fc.nat({ max: 4 }), (units, decimals, zeros) => {
      const digits = String(units).padStart(decimals + 1, '0');
      const whole = digits.slice(0, digits.length - decimals);
      const fraction = digits.slice(digits.length - decimals) + '0'.repeat(zeros);
      const text = fraction === '' ? whole : `${whole}.${fraction}`;
      assert.equal(parseScaled(text, decimals), units);
    }),
  );
});
