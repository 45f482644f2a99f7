import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';

const head = "import { test } from 'node:test';";
const files = {
  'packages/a/good.test.ts': `${head} test('adds', () => {}); test('subtracts', () => {});`,
  'packages/a/bad.test.ts': `${head} test('breaks', () => { throw new Error('boom'); });`,
  'packages/a/skips.test.ts': `${head} test.skip('needs a cluster', () => {}); test('runs', () => {});`,
  'packages/a/nested.test.ts': `import { describe, it } from 'node:test';
    describe('outer', () => describe('inner', () => it('breaks', () => { throw new Error('boom'); })));`,
  'packages/a/loops.test.ts': 'for (;;);',
  'packages/a/hangs.test.ts': `${head} test('waits forever', () => new Promise((r) => setTimeout(r, 1e6)));`,
  'packages/a/empty.test.ts': 'export {};',
  'packages/a/throws.test.ts': "throw new Error('at the top');",
  'packages/a/environment.test.ts': `import assert from 'node:assert'; ${head} test('is alone', () => {
    assert.deepEqual(Object.keys(process.env).filter((name) => /FLOTILLA|NATS/.test(name)), ['FLOTILLA_TEST_RUNS']);
  });`,
  'packages/a/node_modules/b/theirs.test.ts': `${head} test('is not ours', () => {});`,
  'test/fleet.test.ts': `${head} test('starts', () => {});`,
};

describe('npm test', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'flotilla-test-'));
    for (const name of ['test.ts', 'test-file.ts']) {
      cpSync(join(import.meta.dirname, name), join(root, 'scripts', name));
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  });
  after(() => rmSync(root, { recursive: true }));

  const run = (filters: string[], env: Record<string, string> = {}) => {
    const { NODE_TEST_CONTEXT: _, FLOTILLA_TEST_NO_SKIP: __, ...inherited } = process.env;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/test.ts', ...filters], {
      cwd: root,
      env: { ...inherited, ...env },
      encoding: 'utf8',
    });
    return { status, stdout, stderr, lastLine: stdout.trimEnd().split('\n').at(-1) };
  };

  it('runs the files that match and ends with the totals on a line of their own', () => {
    const { status, lastLine, stdout } = run(['good', 'fleet']);
    assert.equal(status, 0, stdout);
    assert.equal(lastLine, '3 passed, 0 failed, 0 skipped');
  });

  it('keeps from the tests what the shell says to a fleet', () => {
    const env = { FLOTILLA_DATA: '/nowhere', NATS_URL: 'nats://127.0.0.1:1', FLOTILLA_TEST_RUNS: '1' };
    const { status, stdout } = run(['environment'], env);
    assert.equal(status, 0, stdout);
  });

  it('fails, and names the test, when one fails', () => {
    const { status, lastLine, stdout } = run(['a/good', 'a/bad']);
    assert.equal(status, 1);
    assert.equal(lastLine, '2 passed, 1 failed, 0 skipped');
    assert.match(stdout, /Failed:\n {2}packages\/a\/bad\.test\.ts: breaks\n/);
  });

  it('reports skipped tests, and fails on them only when asked to', () => {
    const lenient = run(['skips']);
    assert.deepEqual([lenient.status, lenient.lastLine], [0, '1 passed, 0 failed, 1 skipped']);
    assert.match(lenient.stdout, /Skipped:\n {2}packages\/a\/skips\.test\.ts: needs a cluster\n/);
    assert.equal(run(['skips'], { FLOTILLA_TEST_NO_SKIP: '1' }).status, 1);
  });

  it('stops a file that does not end and says so', () => {
    const { status, stdout, lastLine } = run(['loops'], { FLOTILLA_TEST_TIMEOUT: '2' });
    assert.equal(status, 1);
    assert.match(stdout, /loops\.test\.ts: the file did not end within 2 s/);
    assert.equal(lastLine, '0 passed, 1 failed, 0 skipped');
  });

  it('names the test that hangs', () => {
    // The limit leaves a busy machine the time to start the file.
    const { status, stdout } = run(['hangs'], { FLOTILLA_TEST_TIMEOUT: '10' });
    assert.equal(status, 1);
    assert.match(stdout, /Failed:\n {2}packages\/a\/hangs\.test\.ts: waits forever\n/);
  });

  it('counts a failure once, however deep it is nested', () => {
    const { stdout, lastLine } = run(['nested']);
    assert.match(stdout, /Failed:\n {2}packages\/a\/nested\.test\.ts: breaks\n/);
    assert.equal(lastLine, '0 passed, 1 failed, 0 skipped');
  });

  it('fails a file that throws outside of its tests or has none', () => {
    const { status, stdout, lastLine } = run(['empty', 'throws']);
    assert.equal(status, 1);
    assert.match(stdout, /empty\.test\.ts: the file defines no test/);
    assert.match(stdout, /throws\.test\.ts: the file failed outside of its tests/);
    assert.equal(lastLine, '0 passed, 2 failed, 0 skipped');
  });

  it('never runs the tests of installed packages', () => {
    const { status, stderr } = run(['theirs']);
    assert.equal(status, 1);
    assert.match(stderr, /no test file matches theirs/);
  });
});
