import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PostOutcome } from './http-post.ts';
import { readRetryAfter, retryDelay } from './retry.ts';

const times = { baseMs: 1_000, maxMs: 30_000 };
const now = Date.parse('2026-05-01T12:00:00Z');
const noAnswer: PostOutcome = { status: undefined, reason: 'ECONNREFUSED' };
const answer = (status: number, retryAfter?: string): PostOutcome => ({
  status,
  retryAfter,
  body: Buffer.alloc(0),
});

test('waits double up to the longest, and are between half and all of it', () => {
  const waits = (random: number) =>
    [1, 2, 3, 6, 50].map((tries) => retryDelay(noAnswer, tries, times, random, now));
  assert.deepEqual(waits(0), [500, 1_000, 2_000, 15_000, 15_000]);
  assert.deepEqual(waits(1), [1_000, 2_000, 4_000, 30_000, 30_000]);
});

test('only the statuses that the specification lists are tried again', () => {
  for (let status = 300; status < 600; status++) {
    const delay = retryDelay(answer(status), 1, times, 0, now);
    assert.equal(delay !== undefined, [429, 502, 503, 504].includes(status), String(status));
  }
});

test('what Retry-After asks for is kept, in seconds or as a date', () => {
  assert.equal(retryDelay(answer(429, '7'), 1, times, 0, now), 7_000);
  assert.equal(retryDelay(answer(503, 'Fri, 01 May 2026 12:00:20 GMT'), 4, times, 0, now), 20_000);
  assert.equal(retryDelay(answer(503, '999999999999'), 1, times, 0, now), 300_000);
  assert.equal(readRetryAfter('Fri, 01 May 2026 11:00:00 GMT', now), 0);
});

test('a Retry-After that cannot be read is as none', () => {
  for (const header of ['', 'soon', '-1', undefined]) {
    assert.equal(readRetryAfter(header, now), undefined);
    assert.equal(retryDelay(answer(429, header), 1, times, 1, now), 1_000);
  }
});
