import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { closedCompilers, compilerCheck } from './optimizing-compilers.ts';

test('compilers are closed when a process has nothing to do, and opened when it has', () => {
  const changes: string[] = [];
  let share = 0.3;
  const check = compilerCheck(
    () => share,
    (state) => changes.push(state),
  );
  check();
  assert.deepEqual(changes, ['closed', 'open']);
  share = 0.004;
  check();
  check();
  assert.deepEqual(changes, ['closed', 'open', 'closed']);
  share = 0.5;
  check();
  check();
  assert.deepEqual(changes, ['closed', 'open', 'closed', 'open']);
});

test('a process whose compilers are closed compiles nothing, and what is hot once they are open', async () => {
  const script = `
    import { setCompilers } from ${JSON.stringify(join(import.meta.dirname, 'optimizing-compilers.ts'))};
    const isCompiled = (f) => %ActiveTierIsMaglev(f) || %ActiveTierIsTurbofan(f);
    let x = 0;
    function next(of) { return (of * 3 + 1) & 0xffff; }
    const turn = () => { for (let i = 0; i < 1e5; i++) x = next(x); };
    for (let i = 0; i < 50; i++) turn();
    if (isCompiled(next) || isCompiled(turn)) process.exit(1);
    setCompilers('open');
    const giveUpAt = performance.now() + 20_000;
    while (!isCompiled(turn)) {
      if (performance.now() > giveUpAt) process.exit(2);
      turn();
      // What was compiled in another thread is taken over between tasks.
      await new Promise(setImmediate);
    }`;
  const options = [...closedCompilers, '--allow-natives-syntax', '--input-type=module', '-e', script];
  await promisify(execFile)(process.execPath, options);
});
