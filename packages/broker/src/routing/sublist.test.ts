import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Sublist } from './sublist.ts';
import { type Subscriber, Subscription } from './subscription.ts';

const nobody: Subscriber = { echo: true, deliver: () => true, expired: () => {} };

function subscription(subject: string, queue = ''): Subscription {
  return new Subscription(nobody, subject, queue, '1');
}

/** The definition of matching, one token at a time. */
function matches(pattern: string, subject: string): boolean {
  const want = pattern.split('.');
  const have = subject.split('.');
  for (const [index, token] of want.entries()) {
    if (token === '>') return have.length > index;
    if (index >= have.length || (token !== '*' && token !== have[index])) return false;
  }
  return want.length === have.length;
}

function plainOf(list: Sublist, subject: string): Set<Subscription> {
  return new Set(list.match(subject).plain.flat());
}

function groupsOf(list: Sublist, subject: string): Map<string, Set<Subscription>> {
  const groups = list.match(subject).groups.map((group) => {
    const members = group.flat();
    return [members[0]!.queue, new Set(members)] as const;
  });
  return new Map(groups);
}

test('a wildcard token stands for exactly one token, the trailing one for one or more', () => {
  const list = new Sublist();
  const [any, tail, exact] = [subscription('a.*'), subscription('a.>'), subscription('a.b')];
  for (const one of [any, tail, exact]) list.insert(one);
  assert.deepEqual(plainOf(list, 'a.b'), new Set([any, tail, exact]));
  assert.deepEqual(plainOf(list, 'a.c'), new Set([any, tail]));
  assert.deepEqual(plainOf(list, 'a.b.c'), new Set([tail]));
  assert.deepEqual(plainOf(list, 'a'), new Set());
});

test('a subject with an empty token matches nothing, not even the widest wildcard', () => {
  const list = new Sublist();
  list.insert(subscription('>'));
  for (const subject of ['', '.', 'a.', '.a', 'a..b']) assert.equal(plainOf(list, subject).size, 0, subject);
});

test('a wildcard character published as a token is an ordinary token', () => {
  const list = new Sublist();
  const [literal, any] = [subscription('a.b'), subscription('a.*')];
  list.insert(literal);
  list.insert(any);
  assert.deepEqual(plainOf(list, 'a.*'), new Set([any]));
});

test('one queue group spans all patterns that match', () => {
  const list = new Sublist();
  const members = [subscription('a.b', 'q'), subscription('a.*', 'q'), subscription('a.b', 'other')];
  for (const member of members) list.insert(member);
  assert.deepEqual(
    groupsOf(list, 'a.b'),
    new Map([
      ['q', new Set([members[0], members[1]])],
      ['other', new Set([members[2]])],
    ]),
  );
});

test('removing what is not there, or not there any more, changes nothing', () => {
  const list = new Sublist();
  const kept = subscription('a.b');
  const gone = subscription('a.b');
  list.insert(kept);
  assert.equal(list.remove(gone), false);
  list.insert(gone);
  assert.equal(list.remove(gone), true);
  assert.equal(list.remove(gone), false);
  assert.equal(list.size, 1);
  assert.deepEqual(plainOf(list, 'a.b'), new Set([kept]));
});

test('thousands of tokens and thousands of published subjects are no problem', () => {
  const list = new Sublist();
  const deep = subscription(Array.from({ length: 2_000 }, (_, i) => (i % 2 === 0 ? '*' : 'x')).join('.'));
  const tail = subscription('>');
  list.insert(deep);
  list.insert(tail);
  assert.deepEqual(plainOf(list, Array(2_000).fill('x').join('.')), new Set([deep, tail]));
  for (let i = 0; i < 20_000; i++) assert.deepEqual(list.match(`inbox.${i}`).plain, [[tail]]);
});

test('after any sequence of changes every match is what the definition says', () => {
  const token = fc.constantFrom('a', 'b', 'c');
  const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
  const pattern = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', 'c', '*'), { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([tokens, tail]) => [...tokens, ...(tail ? ['>'] : [])].join('.'));
  const change = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), pattern, queue: fc.constantFrom('', '', 'q', 'r') }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat(30) }),
    fc.record({ kind: fc.constant('match' as const), subject }),
  );
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 60 }),
      fc.array(subject, { minLength: 5 }),
      (changes, subjects) => {
        const list = new Sublist();
        const model: Subscription[] = [];
        const check = (published: string): void => {
          const expected = model.filter((one) => matches(one.subject, published));
          assert.deepEqual(plainOf(list, published), new Set(expected.filter((one) => one.queue === '')));
          for (const queue of ['q', 'r']) {
            const members = expected.filter((one) => one.queue === queue);
            assert.deepEqual(groupsOf(list, published).get(queue) ?? new Set(), new Set(members));
          }
        };
        for (const step of changes) {
          if (step.kind === 'add') {
            const added = subscription(step.pattern, step.queue);
            list.insert(added);
            model.push(added);
          } else if (step.kind === 'match') {
            check(step.subject);
          } else if (model.length > 0) {
            const [removed] = model.splice(step.which % model.length, 1);
            assert.equal(list.remove(removed!), true);
          }
        }
        for (const published of subjects) check(published);
        assert.equal(list.size, model.length);
      },
    ),
    { numRuns: 500 },
  );
});
