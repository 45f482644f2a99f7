import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorFromDocument, FlotillaError, platformError } from '../errors/flotilla-error.ts';
import type { PlatformCode } from '../errors/platform-codes.ts';
import { isRelayed, verdictOf } from './verdict.ts';

const here = (code: PlatformCode, data?: object) => platformError(code, code, { data });
const answered = (code: PlatformCode, data?: object) => errorFromDocument({ code, message: code, data });

test('an instance that fails is not one that answers with an error, nor one that was never asked', () => {
  const verdict = (error: FlotillaError) => verdictOf(error, 10, 0);
  assert.equal(verdict(answered('internal')), 'failure');
  assert.equal(verdict(answered('unavailable')), 'failure');
  assert.equal(verdict(answered('unavailable', { executed: 'no' })), 'failure');
  assert.equal(verdict(here('unavailable', { executed: 'unknown' })), 'failure');
  assert.equal(verdict(answered('not_found')), 'answer');
  assert.equal(verdict(new FlotillaError('unavailable', 'its own', { declared: true })), 'answer');
  assert.equal(verdict(answered('overloaded', { executed: 'no' })), 'nothing');
  for (const code of ['unavailable', 'overloaded', 'payload_too_large', 'deadline_exceeded'] as const) {
    assert.equal(verdict(here(code, { executed: 'no' })), 'nothing', code);
  }
});

test('a deadline tells of an instance only where the caller was patient', () => {
  assert.equal(verdictOf(here('deadline_exceeded', { executed: 'unknown' }), 99, 100), 'nothing');
  assert.equal(verdictOf(here('deadline_exceeded', { executed: 'unknown' }), 100, 100), 'failure');
  assert.equal(verdictOf(answered('deadline_exceeded'), 100, 100), 'failure');
});

test('only what a peer says that it passes on is relayed', () => {
  assert.equal(isRelayed(answered('unavailable', { relayed: true })), true);
  assert.equal(isRelayed(answered('unavailable')), false);
  assert.equal(isRelayed(here('unavailable', { relayed: true })), false);
});
