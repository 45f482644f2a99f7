import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { skipWithout } from 'flotilla/testing';
import { buildPowerCut, ForgetfulDisk, type Remains } from './forgetful-disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'flotilla-power-cut-build-'));
const library = buildPowerCut(folder);
const skip = skipWithout(library, 'no C compiler: apt-get install gcc libc6-dev');
after(() => rmSync(folder, { recursive: true }));

/** Runs the code with the disk, kills the process at its end, cuts the power and gives what is left of the files. */
function afterPowerCut(code: string, remains: Remains = 'nothing', random = () => 0.5): Map<string, string> {
  const disk = new ForgetfulDisk(library!);
  try {
    const script = `
      const fs = require('node:fs');
      process.chdir(process.env.POWER_CUT_ROOT);
      const flushDirectory = () => { const fd = fs.openSync('.', 'r'); fs.fsyncSync(fd); fs.closeSync(fd); };
      const flushed = (name, text) => {
        const fd = fs.openSync(name, 'w'); fs.writeSync(fd, text); fs.fsyncSync(fd); fs.closeSync(fd); flushDirectory();
      };
      ${code}
      process.kill(process.pid, 'SIGKILL');`;
    const { signal, stderr } = spawnSync(process.execPath, ['--eval', script], {
      env: { ...process.env, ...disk.environment },
    });
    assert.equal(signal, 'SIGKILL', stderr.toString());
    disk.cutPower(remains, random);
    return new Map(
      readdirSync(disk.root)
        .toSorted()
        .map((name) => [name, readFileSync(join(disk.root, name), 'latin1')]),
    );
  } finally {
    disk.remove();
  }
}

test('what was flushed stays, what was written after it goes', { skip }, () => {
  const files = afterPowerCut(`
    flushed('a', 'one');
    const fd = fs.openSync('a', 'r+');
    fs.writeSync(fd, 'two and more');
    fs.writeSync(fd, 'x', 1);`);
  assert.deepEqual([...files], [['a', 'one']]);
});

test('without the power cut a killed process has written everything', { skip }, () => {
  const disk = new ForgetfulDisk(library!);
  const script = `require('node:fs').writeFileSync(process.env.POWER_CUT_ROOT + '/a', 'kept'); process.kill(process.pid, 9)`;
  spawnSync(process.execPath, ['--eval', script], { env: { ...process.env, ...disk.environment } });
  assert.equal(readFileSync(join(disk.root, 'a'), 'utf8'), 'kept');
  assert.ok(disk.cutPower() > 0);
  assert.equal(existsSync(join(disk.root, 'a')), false);
  disk.remove();
});

test('a file is flushed on its own', { skip }, () => {
  const files = afterPowerCut(`
    flushed('a', '1'); flushed('b', '1');
    const [a, b] = ['a', 'b'].map((name) => fs.openSync(name, 'a'));
    fs.writeSync(a, '2'); fs.writeSync(b, '2');
    fs.fdatasyncSync(b);
    fs.writeSync(a, '3'); fs.writeSync(b, '3');`);
  assert.deepEqual(
    [...files],
    [
      ['a', '1'],
      ['b', '12'],
    ],
  );
});

test('a file that was cut is long again', { skip }, () => {
  const files = afterPowerCut(`
    flushed('a', 'a long text');
    fs.truncateSync('a', 3);
    fs.appendFileSync('a', '!');
    flushed('b', 'overwritten at once');
    fs.writeFileSync('b', 'short');`);
  assert.deepEqual(
    [...files],
    [
      ['a', 'a long text'],
      ['b', 'overwritten at once'],
    ],
  );
});

test('names last from the flush of their directory on', { skip }, () => {
  const files = afterPowerCut(`
    flushed('kept', '1'); flushed('removed', '2'); flushed('renamed', '3'); flushed('replaced', '4');
    fs.unlinkSync('removed');
    fs.renameSync('renamed', 'replaced');
    const fd = fs.openSync('new', 'w'); fs.writeSync(fd, '5'); fs.fsyncSync(fd);`);
  assert.deepEqual(
    [...files],
    [
      ['kept', '1'],
      ['removed', '2'],
      ['renamed', '3'],
      ['replaced', '4'],
    ],
  );
  const lasting = afterPowerCut(`
    flushed('removed', '2'); flushed('renamed', '3');
    fs.unlinkSync('removed');
    fs.renameSync('renamed', 'other');
    flushDirectory();`);
  assert.deepEqual([...lasting], [['other', '3']]);
});

test('a torn write leaves its first part', { skip }, () => {
  const files = afterPowerCut(
    `
    flushed('a', 'x'.repeat(1_000));
    const fd = fs.openSync('a', 'a');
    fs.writeSync(fd, 'y'.repeat(24));
    fs.writeSync(fd, 'z'.repeat(2_048));`,
    'torn',
  );
  assert.deepEqual([...files], [['a', `${'x'.repeat(1_000)}${'y'.repeat(24)}${'z'.repeat(1_024)}`]]);
});

test('scattered sectors come from before or after', { skip }, () => {
  let calls = 0;
  const files = afterPowerCut(
    `
    flushed('a', 'x'.repeat(2_048));
    const fd = fs.openSync('a', 'r+');
    fs.writeSync(fd, 'y'.repeat(2_048));`,
    'scattered',
    () => (calls++ % 2 === 0 ? 0 : 1),
  );
  assert.deepEqual([...files], [['a', ['y', 'x', 'y', 'x'].map((one) => one.repeat(512)).join('')]]);
});

test('a flush that fails loses what it should have flushed, also for later flushes', { skip }, () => {
  const files = afterPowerCut(`
    flushed('a', '1');
    const fd = fs.openSync('a', 'a');
    fs.writeSync(fd, '2');
    fs.writeFileSync(process.env.POWER_CUT_LOG + '/fail-sync', '');
    try { fs.fsyncSync(fd); process.exit(1); } catch (error) { if (error.code !== 'EIO') throw error; }
    fs.fsyncSync(fd);
    flushDirectory();`);
  assert.deepEqual([...files], [['a', '1']]);
});
