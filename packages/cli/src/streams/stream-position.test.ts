import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../failure.ts';
import { parsePosition, parseTime } from './stream-position.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');

describe('a position in a stream', () => {
  it('is a sequence, a time or how long ago', () => {
    const cases: [text: string, position: object][] = [
      ['1', { sequence: 1 }],
      ['1200', { sequence: 1_200 }],
      ['5m', { time: new Date(NOW - 300_000) }],
      ['2d', { time: new Date(NOW - 172_800_000) }],
      ['2026-04-30T00:00:00Z', { time: new Date('2026-04-30T00:00:00Z') }],
      ['2026-04-30T00:00:00.123+02:00', { time: new Date('2026-04-29T22:00:00.123Z') }],
      ['2026-04-30', { time: new Date('2026-04-30') }],
    ];
    for (const [text, position] of cases)
      assert.deepEqual(parsePosition('--from', text, NOW), position, text);
  });

  it('is refused as anything else, with how to write it', () => {
    for (const text of ['', 'yesterday', '-1', '1.5', '5 m', '2026-13-01T00:00:00Z', '12:00']) {
      assert.throws(
        () => parsePosition('--from', text, NOW),
        (error) =>
          error instanceof Failure && error.code === 'usage' && /a sequence/.test(error.repair ?? ''),
        text,
      );
    }
  });

  it('is no sequence where only a time will do', () => {
    assert.throws(() => parseTime('--since', '1200', NOW), /--since is "1200"/);
    assert.deepEqual(parseTime('--since', '1h', NOW), new Date(NOW - 3_600_000));
  });
});
