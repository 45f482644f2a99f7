import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { checkDependencies } from './dependency-rule.ts';

const workspaces: Record<string, object> = {
  'package.json': { name: 'root', devDependencies: { 'fast-check': '4' } },
  'packages/core/package.json': {
    name: 'flotilla',
    exports: { '.': './src/index.ts', './testing': './src/testing/index.ts' },
    dependencies: { zod: '4' },
  },
  'packages/broker/package.json': {
    name: '@flotilla/broker',
    exports: { '.': './src/index.ts' },
    devDependencies: { '@nats-io/nats-core': '3' },
  },
  'packages/gateway/package.json': {
    name: '@flotilla/gateway',
    exports: { '.': './src/index.ts' },
    dependencies: { flotilla: '1' },
  },
  'packages/cli/package.json': {
    name: '@flotilla/cli',
    exports: { '.': './src/index.ts' },
    dependencies: { flotilla: '1', '@flotilla/broker': '1', '@flotilla/gateway': '1' },
  },
  'exchange/orders/package.json': {
    name: '@exchange/orders',
    exports: './contract.ts',
    dependencies: { flotilla: '1', '@exchange/matching': '1' },
  },
  'exchange/matching/package.json': {
    name: '@exchange/matching',
    exports: { '.': './contract.ts' },
    dependencies: { flotilla: '1' },
  },
};

/** What the rule says of a repository that has just these sources beside the packages above. */
function check(t: TestContext, sources: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'flotilla-rule-'));
  t.after(() => rmSync(root, { recursive: true }));
  const manifests = Object.entries(workspaces).map(([path, json]) => [path, JSON.stringify(json)] as const);
  for (const [path, text] of [...manifests, ...Object.entries(sources)]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return checkDependencies(root).map(({ where, problem, repair }) => {
    assert.ok(repair.length > 10);
    return `${where} ${problem}`;
  });
}

const core = 'packages/core/src';

describe('the dependency rule', () => {
  it('accepts what it is meant to accept', (t) => {
    assert.deepEqual(
      check(t, {
        [`${core}/index.ts`]: "export * from './errors/a.ts'; export * from './service/b.ts';",
        [`${core}/errors/a.ts`]: "import { z } from 'zod'; import 'node:fs';",
        [`${core}/service/b.ts`]: "import '../errors/a.ts'; import '../store/c.ts';",
        [`${core}/store/c.ts`]: "import type {} from '../errors/a.ts';",
        [`${core}/store/c.test.ts`]: "import '../testing/d.ts'; import fc from 'fast-check';",
        [`${core}/testing/d.ts`]: "import '../service/b.ts';",
        'packages/broker/src/index.test.ts': "import '@nats-io/nats-core';",
        'packages/gateway/src/index.ts': "import 'flotilla';",
        'packages/cli/src/index.ts':
          "import '@flotilla/broker'; import '@flotilla/gateway'; import 'flotilla';",
        'exchange/orders/service.ts': "import { Matching } from '@exchange/matching';",
        'exchange/orders/service.test.ts': "import 'flotilla/testing';",
        'exchange/flotilla.config.ts': "import { fleet } from '@flotilla/cli';",
        'test/fleet.test.ts': "import 'flotilla'; import './fixtures/market.ts';",
        'test/fixtures/market.ts': "import '@exchange/orders';",
      }),
      [],
    );
  });

  it('keeps packages pointing one way', (t) => {
    assert.deepEqual(
      check(t, {
        [`${core}/rpc/a.ts`]: "import '@flotilla/broker';",
        'packages/broker/src/index.ts': "import type { FlotillaError } from 'flotilla';",
        'packages/gateway/src/index.ts': "import '@flotilla/broker';",
        'packages/cli/src/index.ts': "import '@exchange/orders';",
      }),
      [
        'packages/broker/src/index.ts:1 @flotilla/broker may not import flotilla, only third-party packages',
        'packages/cli/src/index.ts:1 @flotilla/cli may not import @exchange/orders, only flotilla, @flotilla/broker, @flotilla/gateway, @flotilla/console',
        'packages/core/src/rpc/a.ts:1 flotilla may not import @flotilla/broker, only third-party packages',
        'packages/gateway/src/index.ts:1 @flotilla/gateway may not import @flotilla/broker, only flotilla',
      ],
    );
  });

  it('keeps the folders of the core in order, types included', (t) => {
    assert.deepEqual(
      check(t, {
        [`${core}/errors/a.ts`]: "\nimport type { B } from '../contract/b.ts';",
        [`${core}/contract/b.ts`]: "import '../telemetry/c.ts';",
        [`${core}/telemetry/c.ts`]: "const d = await import('../store/d.ts');",
        [`${core}/store/d.ts`]: "import '../errors/index.ts';",
        [`${core}/service/e.ts`]: "import '../testing/f.ts';",
        [`${core}/magic/g.ts`]: "import '../errors/index.ts';",
      }),
      [
        'packages/core/src/contract/b.ts:1 core/contract may not import core/telemetry, only errors',
        'packages/core/src/errors/a.ts:2 core/errors may not import core/contract, only itself',
        "packages/core/src/magic/g.ts:1 '../errors/index.ts' links a folder that has no place in the order of the core",
        'packages/core/src/service/e.ts:1 core/service may not import core/testing, only errors, contract, telemetry, store, rpc, discovery, resilience, balancing, faults, fleet, messaging',
        'packages/core/src/telemetry/c.ts:1 core/telemetry may not import core/store, only errors',
      ],
    );
  });

  it('keeps everybody to public entry points', (t) => {
    assert.deepEqual(
      check(t, {
        'exchange/orders/a.ts': "import 'flotilla/src/rpc/channel.ts';",
        'exchange/orders/b.ts': "import '../matching/engine.ts';",
        'exchange/orders/c.ts': "import '@exchange/orders';",
        'exchange/orders/d.ts': "import 'flotilla/testing';",
        'exchange/orders/e.ts': "import './f.test.ts';",
        'test/fleet.test.ts': "import '../packages/core/src/index.ts';",
      }),
      [
        "exchange/orders/a.ts:1 'flotilla/src/rpc/channel.ts' is not a public entry point of flotilla",
        "exchange/orders/b.ts:1 '../matching/engine.ts' reaches into @exchange/matching by a relative path",
        "exchange/orders/c.ts:1 imports its own package '@exchange/orders'",
        "exchange/orders/d.ts:1 only tests may import 'flotilla/testing'",
        "exchange/orders/e.ts:1 imports the test './f.test.ts'",
        "test/fleet.test.ts:1 '../packages/core/src/index.ts' reaches into flotilla by a relative path",
      ],
    );
  });

  it('wants every package declared where it is used', (t) => {
    assert.deepEqual(
      check(t, {
        [`${core}/errors/a.ts`]: "import 'fast-check'; import 'left-pad/deep'; import '@scope/name/deep';",
        'packages/broker/src/index.ts': "import '@nats-io/nats-core';",
        'exchange/matching/a.ts': "import '@exchange/orders';",
        'test/a.test.ts': "import 'zod';",
      }),
      [
        "exchange/matching/a.ts:1 '@exchange/orders' is not declared in exchange/matching/package.json",
        "packages/broker/src/index.ts:1 '@nats-io/nats-core' is not declared in packages/broker/package.json",
        "packages/core/src/errors/a.ts:1 'fast-check' is not declared in packages/core/package.json",
        "packages/core/src/errors/a.ts:1 'left-pad' is not declared in packages/core/package.json",
        "packages/core/src/errors/a.ts:1 '@scope/name' is not declared in packages/core/package.json",
        "test/a.test.ts:1 'zod' is not declared in package.json",
      ],
    );
  });

  it('finds files that import each other in a circle', (t) => {
    assert.deepEqual(
      check(t, {
        'exchange/orders/a.ts': "import './b.ts';",
        'exchange/orders/b.ts': "\nimport type { C } from './c.ts';",
        'exchange/orders/c.ts': "export * from './a.ts';",
        'exchange/orders/self.ts': "import './self.ts';",
      }),
      [
        'exchange/orders/c.ts:1 closes an import cycle: exchange/orders/a.ts → exchange/orders/b.ts → exchange/orders/c.ts → exchange/orders/a.ts',
        'exchange/orders/self.ts:1 closes an import cycle: exchange/orders/self.ts → exchange/orders/self.ts',
      ],
    );
  });

  it('holds in this repository', () => {
    assert.deepEqual(checkDependencies(resolve(import.meta.dirname, '..')), []);
  });
});
