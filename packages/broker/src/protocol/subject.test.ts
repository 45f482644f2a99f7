import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLiteral, isSubscribable } from './subject.ts';

test('a subscription may name literal tokens, single-token wildcards and one trailing wildcard', () => {
  for (const subject of [
    'a',
    'a.b',
    '*',
    '>',
    'a.*.c',
    'a.>',
    '*.*.>',
    'a*b',
    'a>.b',
    '*>',
    '$SYS.x',
    'é.b',
  ]) {
    assert.equal(isSubscribable(subject), true, subject);
  }
});

test('a subscription with an empty token, a space or a trailing wildcard in the middle is invalid', () => {
  for (const subject of ['', '.', 'a.', '.a', 'a..b', '>.a', 'a.>.b', 'a b', 'a\tb', 'a\nb', 'a\rb']) {
    assert.equal(isSubscribable(subject), false, JSON.stringify(subject));
  }
});

test('a pedantic publisher may only use subjects without wildcard tokens', () => {
  for (const subject of ['a', 'a.b', 'a*', '**', '>>.b', 'a.b>'])
    assert.equal(isLiteral(subject), true, subject);
  for (const subject of ['', '*', '>', 'a.*', 'a.>', '*.b', 'a..b', 'a.', '.a']) {
    assert.equal(isLiteral(subject), false, subject);
  }
});
