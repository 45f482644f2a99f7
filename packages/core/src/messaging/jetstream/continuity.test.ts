import assert from 'node:assert/strict';
import { it } from 'node:test';
import { continuityOf } from './continuity.ts';

const monday = '2026-01-05T10:00:00.000000001Z';
const tuesday = '2026-01-06T10:00:00.000000001Z';

const ofStream = (created: string, last_seq: number) => ({
  created,
  state: { messages: last_seq, bytes: 0, first_seq: 1, last_seq },
});

it('a checkpoint holds in the stream that it is of, up to the end of that', () => {
  const cases = [
    [{ stream: monday, sequence: 7 }, 7, 'goes on'],
    [{ stream: monday, sequence: 7 }, 900, 'goes on'],
    [{ stream: monday, sequence: 0 }, 0, 'goes on'],
    [{ stream: monday, sequence: 7 }, 6, 'set back'],
    [{ stream: tuesday, sequence: 7 }, 900, 'made anew'],
    [{ stream: tuesday, sequence: 7 }, 0, 'made anew'],
    [{ stream: undefined, sequence: 7 }, 900, 'goes on'],
    [{ stream: undefined, sequence: 7 }, 6, 'set back'],
    [{ stream: '', sequence: -1 }, 900, 'begins'],
  ] as const;
  for (const [checkpoint, end, expected] of cases) {
    assert.equal(
      continuityOf(checkpoint, ofStream(monday, end)),
      expected,
      JSON.stringify({ checkpoint, end }),
    );
  }
});
