import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Router } from './router.ts';

function routerOf(...routes: string[]): Router<string> {
  const router = new Router<string>();
  for (const route of routes) {
    const [method, path] = route.split(' ') as [string, string];
    router.add(method, path, route);
  }
  return router;
}

const find = (router: Router<string>, method: string, path: string) =>
  router.find(method, path === '/' ? [] : path.slice(1).split('/'));

describe('the router', () => {
  it('prefers a literal to a parameter, and comes back when the literal leads nowhere', () => {
    const router = routerOf('GET /a/{x}', 'GET /a/b', 'GET /a/{x}/c', 'GET /a/b/d', 'GET /');
    const target = (path: string) => {
      const found = find(router, 'GET', path);
      return found.kind === 'found' ? [found.target, ...found.parameters] : found.kind;
    };
    assert.deepEqual(target('/a/b'), ['GET /a/b']);
    assert.deepEqual(target('/a/z'), ['GET /a/{x}', 'z']);
    assert.deepEqual(target('/a/b/c'), ['GET /a/{x}/c', 'b']);
    assert.deepEqual(target('/a/b/d'), ['GET /a/b/d']);
    assert.deepEqual(target('/'), ['GET /']);
    assert.equal(target('/a'), 'none');
    assert.equal(target('/a/b/c/d'), 'none');
  });

  it('looks for the method as part of the route', () => {
    const router = routerOf('GET /o/{id}', 'POST /o/search', 'DELETE /o/{id}');
    assert.deepEqual(find(router, 'GET', '/o/search'), {
      kind: 'found',
      target: 'GET /o/{id}',
      parameters: ['search'],
    });
    assert.deepEqual(find(router, 'PUT', '/o/search'), {
      kind: 'method',
      allow: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST'],
    });
    assert.equal(find(router, 'HEAD', '/o/1').kind, 'found');
    assert.equal(find(routerOf('POST /a'), 'HEAD', '/a').kind, 'method');
  });

  it('keeps the first of two routes of one shape', () => {
    const router = routerOf('GET /a/{x}');
    assert.equal(router.add('GET', '/a/{y}', 'second'), 'GET /a/{x}');
    const found = find(router, 'GET', '/a/1');
    assert.equal(found.kind === 'found' && found.target, 'GET /a/{x}');
  });

  it('finds what a plain search through all routes finds', () => {
    const segment = fc.constantFrom('a', 'b', '{x}');
    const path = fc.array(segment, { maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(path, { maxLength: 12 }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 }),
        (routes, segments) => {
          const router = new Router<string>();
          for (const route of routes) router.add('GET', `/${route.join('/')}`, route.join('/'));
          const rank = (route: string[]) => route.map((part) => (part === '{x}' ? '1' : '0')).join('');
          const best = routes
            .filter((route) => route.length === segments.length)
            .filter((route) => route.every((part, at) => part === '{x}' || part === segments[at]))
            .sort((one, other) => (rank(one) < rank(other) ? -1 : 1))[0];
          const found = router.find('GET', segments);
          assert.equal(found.kind === 'found' ? found.target : undefined, best?.join('/'));
          if (found.kind === 'found' && best) {
            assert.deepEqual(
              found.parameters,
              segments.filter((_, at) => best[at] === '{x}'),
            );
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
