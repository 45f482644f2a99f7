import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Origin, parseEntry, wrapText } from './entry.ts';

const ORIGIN: Origin = { service: 'risk', instance: 'risk-1', stream: 'stdout' };
const NOW = '2026-01-01T00:00:00.000Z';

describe('a line of a log', () => {
  it('keeps its fields, but not a claim to be another service', () => {
    const line = JSON.stringify({
      level: 'warn',
      service: 'ledger',
      instance: 'ledger-9',
      msg: 'late',
      ms: 7,
    });
    assert.deepEqual(parseEntry(line, ORIGIN, NOW), {
      time: NOW,
      level: 'warn',
      service: 'risk',
      instance: 'risk-1',
      msg: 'late',
      ms: 7,
    });
  });

  it('may come from pino with numbers for level and time', () => {
    const entry = parseEntry('{"level":50,"time":1767225600000,"msg":"x"}', ORIGIN, 'now');
    assert.equal(entry?.level, 'error');
    assert.equal(entry?.time, NOW);
  });

  it('is none when it is not an object of a logger', () => {
    for (const line of ['text', '{', '{"a":1}', '[1]', '"msg"', '{not json}', '']) {
      assert.equal(parseEntry(line, ORIGIN, NOW), undefined, line);
    }
  });

  it('survives nonsense in its fields', () => {
    const entry = parseEntry('{"level":"loud","time":1e300,"msg":{"a":1}}', ORIGIN, NOW);
    assert.deepEqual([entry?.level, entry?.time, entry?.msg], ['info', NOW, '']);
  });

  it('is a warning when it is text on standard error', () => {
    assert.equal(wrapText('oh', { ...ORIGIN, stream: 'stderr' }, NOW).level, 'warn');
    assert.equal(wrapText('oh', ORIGIN, NOW).level, 'info');
  });
});
