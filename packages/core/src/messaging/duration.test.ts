import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlotillaError } from '../errors/flotilla-error.ts';
import { type Duration, millisecondsOf } from './duration.ts';

describe('times', () => {
  it('are milliseconds, or an amount with a unit', () => {
    const given: [Duration, number][] = [
      [0, 0],
      [1.5, 1.5],
      ['500ms', 500],
      ['5s', 5_000],
      ['1.5m', 90_000],
      ['2h', 7_200_000],
      ['7d', 604_800_000],
    ];
    for (const [duration, milliseconds] of given)
      assert.equal(millisecondsOf(duration, 'delay'), milliseconds);
  });

  it('of any other form are refused by name', () => {
    for (const wrong of ['5', '5 s', '-5s', 's', '', '1e3s', -1, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(
        () => millisecondsOf(wrong as Duration, 'delay'),
        (error) => error instanceof FlotillaError && /^delay: /.test(error.message),
        String(wrong),
      );
  });
});
