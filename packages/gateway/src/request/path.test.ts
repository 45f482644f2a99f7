import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../refusal.ts';
import { Router } from '../router.ts';
import { canonicalPath } from './path.ts';

const refused = (target: string): string => {
  let detail = '';
  assert.throws(
    () => canonicalPath(target),
    (error: unknown) => {
      assert.ok(error instanceof Refusal && error.code === 'invalid_argument', String(error));
      detail = error.message;
      return true;
    },
    target,
  );
  return detail;
};

describe('a request target', () => {
  it('is split into decoded segments and a raw query', () => {
    assert.deepEqual(canonicalPath('/v1/a%20b/%C3%A9?x=%2F&y'), {
      segments: ['v1', 'a b', 'é'],
      path: '/v1/a%20b/%C3%A9',
      query: 'x=%2F&y',
    });
    assert.deepEqual(canonicalPath('/').segments, []);
    assert.deepEqual(canonicalPath('/a?').query, '');
    assert.deepEqual(canonicalPath("/a:b@c!$&'()*+,=~").segments, ["a:b@c!$&'()*+,=~"]);
  });

  it('keeps a percent sign that cannot be taken for another escape', () => {
    assert.deepEqual(canonicalPath('/50%25').segments, ['50%']);
    assert.deepEqual(canonicalPath('/50%25%20off').segments, ['50% off']);
    assert.deepEqual(canonicalPath('/a%25zz').segments, ['a%zz']);
  });

  const cases: Record<string, string[]> = {
    'not in origin-form': ['http://h/admin', 'foo:///admin', '*', 'admin', '', 'h:80'],
    'with empty segments': ['//', '//evil/admin', '/a//b', '/a/', '//admin'],
    'with dot segments': ['/.', '/..', '/a/../admin', '/./admin', '/a/.'],
    'with escaped dot segments': ['/%2e', '/%2e%2e/admin', '/.%2e/admin', '/a/%2E./admin'],
    'with an escaped slash or backslash': ['/a%2fadmin', '/a%2Fadmin', '/a%5cadmin', '/..%2fadmin'],
    'with a backslash': ['/a\\admin', '\\admin', '/\\evil'],
    'with path parameters': ['/pub/..;x/admin', '/admin;a=b', '/;/admin'],
    'with a fragment': ['/a#b', '/#/admin', '/a?b#c'],
    'with control characters': ['/a%00', '/a%0d%0aX:y', '/a%7f', '/a\0b', '/a\tb', '/a b'],
    'with escapes of plain characters': ['/%61dmin', '/adm%69n', '/a%2Db', '/%7Euser'],
    'encoded twice': ['/%2561dmin', '/%252e%252e/admin', '/a%252fadmin', '/%25%32%65'],
    'with broken escapes': ['/%', '/a%4', '/a%zz', '/%u0061', '/a%-1'],
    'with escapes that are not UTF-8': ['/%ff', '/%c0%af', '/%c0%ae', '/%e0%80%af', '/%ed%a0%80'],
    'with characters that need an escape': ['/é', '/a"b', '/<a>', '/a|b', '/a^b', '/{a}', '/a?b c', '/a?"'],
  };
  for (const [kind, targets] of Object.entries(cases)) {
    it(`is refused ${kind}`, () => {
      for (const target of targets) refused(target);
    });
  }

  it('of 64 KiB full of separators or escapes is read', () => {
    const worst = [`/${'a/'.repeat(32_000)}b`, `/${'%25zz'.repeat(13_000)}`, `/${'%C3%A9'.repeat(10_000)}`];
    for (const target of worst) assert.ok(canonicalPath(target).segments.length > 0);
  });
});

const pieces = [
  ...'admin/svc.%;#?\\:@&=+ ',
  '/admin',
  '/pub',
  '/svc',
  '/public',
  '..',
  '/./',
  '/../',
  '//',
  '%2e',
  '%2E%2e',
  '%2f',
  '%2F',
  '%5c',
  '%00',
  '%25',
  '%252e',
  '%252f',
  '%61',
  '%2561',
  '..;/',
  ';x',
  '#',
  '?',
  'http://h',
  'é',
  '\0',
  '\t',
  '%c0%af',
  '%ff',
];

describe('the path policy', () => {
  it('lets no mutation reach /admin, nor leave its prefix, however often it is decoded afterwards', () => {
    const router = new Router<string>();
    router.add('GET', '/admin', 'admin');
    router.add('GET', '/pub/{name}', 'svc');
    let served = 0;
    fc.assert(
      fc.property(
        fc.constantFrom('/admin', '/pub/', '/pub/..', '/', ''),
        fc.array(fc.constantFrom(...pieces), { maxLength: 6 }),
        fc.nat(8),
        (start, mutations, at) => {
          const middle = Math.min(at, start.length);
          const target = start.slice(0, middle) + mutations.join('') + start.slice(middle);
          let canonical: ReturnType<typeof canonicalPath>;
          try {
            canonical = canonicalPath(target);
          } catch (error) {
            assert.ok(error instanceof Refusal);
            return;
          }
          const found = router.find('GET', canonical.segments);
          if (found.kind !== 'found') return;
          served++;
          if (found.target === 'admin') {
            assert.equal(target.split('?')[0], '/admin', `${target} is a disguise`);
            return;
          }
          // What a naive service behind the prefix would read, decoding 0, 1 or 2 times more.
          let read = `/svc/${found.parameters[0]}`;
          for (let decodings = 0; decodings <= 2; decodings++) {
            assert.ok(
              new URL(`http://h${read.replaceAll('?', '%3F').replaceAll('#', '%23')}`).pathname.startsWith(
                '/svc/',
              ),
              `${target} leaves its prefix as ${read}`,
            );
            try {
              read = decodeURIComponent(read);
            } catch {
              return;
            }
          }
        },
      ),
      { numRuns: 100_000 },
    );
    assert.ok(served > 1_000, `only ${served} mutations got through at all`);
  });

  it('gives one reading: a canonical path, encoded again, is itself', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, unit: 'binary' }), { minLength: 1, maxLength: 4 }),
        (segments) => {
          const target = `/${segments.map((segment) => encodeSegment(segment)).join('/')}`;
          let canonical: ReturnType<typeof canonicalPath>;
          try {
            canonical = canonicalPath(target);
          } catch {
            return;
          }
          assert.deepEqual(canonical.segments, segments);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

function encodeSegment(segment: string): string {
  try {
    return encodeURIComponent(segment);
  } catch {
    return '%';
  }
}
