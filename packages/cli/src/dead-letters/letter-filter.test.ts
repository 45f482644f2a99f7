import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../failure.ts';
import { letterFilter, namedLetters } from './letter-filter.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');

describe('the dead letters of a command line', () => {
  it('are those of the options and of every filter', () => {
    assert.deepEqual(letterFilter({}, NOW), {});
    assert.deepEqual(
      letterFilter({ group: 'mail', filter: ['reason=exhausted', 'key=a=b', 'since=1h'] }, NOW),
      {
        group: 'mail',
        reason: 'exhausted',
        key: 'a=b',
        since: new Date(NOW - 3_600_000),
      },
    );
    assert.deepEqual(letterFilter({ filter: ['id=17'] }, NOW), { ids: ['17'] });
    assert.deepEqual(letterFilter({ event: 'orders.placed' }, NOW), { service: 'orders', event: 'placed' });
    assert.deepEqual(letterFilter({ service: 'orders', filter: ['event=placed'] }, NOW), {
      service: 'orders',
      event: 'placed',
    });
  });

  it('are none that two options contradict each other about', () => {
    const contradictions = [
      { group: 'mail', filter: ['group=ledger'] },
      { filter: ['reason=invalid', 'reason=exhausted'] },
      { service: 'payments', event: 'orders.placed' },
    ];
    for (const options of contradictions) {
      assert.throws(() => letterFilter(options, NOW), /two different values for/, JSON.stringify(options));
    }
  });

  it('are refused where a filter is not understood, with what can be', () => {
    for (const text of ['mail', 'group', 'group=', 'colour=red', '=x']) {
      assert.throws(
        () => letterFilter({ filter: [text] }, NOW),
        (error) => error instanceof Failure && /group, service, event, reason/.test(error.repair ?? ''),
        text,
      );
    }
    assert.throws(() => letterFilter({ since: 'yesterday' }, NOW), /since is "yesterday"/);
  });

  it('are named by sequence or by the id of their message', () => {
    assert.deepEqual(namedLetters(['17', '#18', 'order-7']), { sequences: [17, 18], ids: ['order-7'] });
    assert.deepEqual(namedLetters([]), {});
  });
});
