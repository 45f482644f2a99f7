import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { LogEntry } from './entry.ts';
import { LogStore } from './log-store.ts';
import { Ring } from './ring.ts';
import { RotatingFile } from './rotating-file.ts';

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'flotilla-logs-'));
});
after(() => rmSync(directory, { recursive: true }));

const entry = (service: string, at: number): LogEntry => ({
  time: new Date(at).toISOString(),
  level: 'info',
  service,
  instance: `${service}-1`,
  msg: String(at),
});

describe('a ring', () => {
  it('keeps the last items in order', () => {
    const ring = new Ring<number>(3);
    assert.deepEqual(ring.last(5), []);
    for (let item = 1; item <= 5; item++) ring.push(item);
    assert.deepEqual(ring.last(5), [3, 4, 5]);
    assert.deepEqual(ring.last(2), [4, 5]);
    assert.deepEqual(ring.last(0), []);
  });
});

describe('a rotating file', () => {
  it('keeps so many files of so many bytes, and no line is cut in two', () => {
    const path = join(directory, 'rotating.jsonl');
    const file = new RotatingFile(path, { maxBytes: 30, files: 3 });
    for (let line = 0; line < 20; line++) file.write(`line ${String(line).padStart(3, '0')}\n`);
    file.close();
    const text = (suffix: string) => readFileSync(`${path}${suffix}`, 'utf8');
    assert.equal(text(''), 'line 018\nline 019\n');
    assert.equal(text('.1'), 'line 015\nline 016\nline 017\n');
    assert.equal(text('.2'), 'line 012\nline 013\nline 014\n');
    assert.ok(!existsSync(`${path}.3`));
  });

  it('goes on where an earlier run ended', () => {
    const path = join(directory, 'again.jsonl');
    for (let run = 0; run < 2; run++) {
      const file = new RotatingFile(path);
      file.write(`run ${run}\n`);
      file.close();
    }
    assert.equal(readFileSync(path, 'utf8'), 'run 0\nrun 1\n');
  });
});

describe('the logs of a fleet', () => {
  it('show the last lines of one service, or of all in order of time', () => {
    const logs = new LogStore(['a', 'b'], (name) => join(directory, `${name}.jsonl`), assert.ifError);
    for (let at = 0; at < 2_000; at++) logs.add(entry(at % 2 === 0 ? 'a' : 'b', at));
    assert.deepEqual(
      logs.last({ lines: 4 }).map(({ msg }) => msg),
      ['1996', '1997', '1998', '1999'],
    );
    assert.deepEqual(
      logs.last({ service: 'a', lines: 2 }).map(({ msg }) => msg),
      ['1996', '1998'],
    );
    assert.equal(logs.last({ service: 'a', lines: 5_000 }).length, 1_000);
    logs.close();
    assert.equal(readFileSync(join(directory, 'a.jsonl'), 'utf8').split('\n').length, 1_001);
  });

  it('can be followed until one has enough', () => {
    const logs = new LogStore(['a'], () => join(directory, 'followed.jsonl'), assert.ifError);
    const seen: string[] = [];
    const unfollow = logs.follow(({ msg }) => seen.push(msg));
    logs.add(entry('a', 1));
    unfollow();
    logs.add(entry('a', 2));
    logs.close();
    assert.deepEqual(seen, ['1']);
  });

  it('stay in memory when the disk refuses, and that is said once', {
    skip: !existsSync('/dev/full'),
  }, () => {
    const errors: unknown[] = [];
    const logs = new LogStore(
      ['a'],
      () => '/dev/full',
      (error) => errors.push(error),
    );
    for (let at = 0; at < 3; at++) logs.add(entry('a', at));
    assert.equal(errors.length, 1);
    assert.equal(logs.last({ lines: 10 }).length, 3);
    logs.close();
  });
});
