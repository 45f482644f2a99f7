import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openDatabase } from '../../store/database.ts';
import { noPosition, type PositionOptions, Positions } from './positions.ts';

function positions(options: Partial<PositionOptions> = {}): Positions {
  const position = (payload: unknown): number => (payload as { readonly n: number }).n;
  return new Positions({ position, gapless: false, handledUpTo: undefined, ...options });
}

describe('positions', () => {
  it('tell what was handled from what is new, whatever lies between', () => {
    const rising = positions();
    assert.equal(rising.of({ n: 7 }), 7);
    const judged = [3, 4, 5, 9].map((position) => rising.isRepetition('log.entry', position, 4));
    assert.deepEqual(judged, [true, true, false, false]);
  });

  it('without a gap, only the next one is new, and what is missing is named', () => {
    const gapless = positions({ gapless: true });
    assert.equal(gapless.isRepetition('log.entry', 4, 4), true);
    assert.equal(gapless.isRepetition('log.entry', 5, 4), false);
    assert.throws(() => gapless.isRepetition('log.entry', 6, 4), {
      code: 'unavailable',
      message: /^log\.entry 6 does not follow 4,.*remove the stream/,
    });
  });

  it('of a group that has handled nothing, any message is the first, unless it knows better', () => {
    const database = openDatabase({ path: ':memory:' });
    assert.equal(positions().before(database), noPosition);
    assert.equal(positions({ gapless: true }).isRepetition('log.entry', 12, noPosition), false);
    assert.equal(positions({ handledUpTo: () => 41 }).before(database), 41);
    database.close();
  });
});
