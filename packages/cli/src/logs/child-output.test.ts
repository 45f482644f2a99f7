import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { childOutput } from './child-output.ts';
import type { LogEntry } from './entry.ts';

function read(...chunks: string[]): LogEntry[] {
  const entries: LogEntry[] = [];
  const origin = { service: 'risk', instance: 'risk-1', stream: 'stderr' } as const;
  const output = childOutput(
    origin,
    (line) => line.replaceAll('hush', '[secret]'),
    () => new Date(0),
    (entry) => entries.push(entry),
  );
  for (const chunk of chunks) output.push(Buffer.from(chunk));
  output.end();
  return entries;
}

describe('the output of a process', () => {
  it('makes one entry of text that arrives together, and never mixes it with log lines', () => {
    const entries = read('Error: x\n    at y\n{"level":"info","msg":"z"}\nmore\n', 'later\n');
    assert.deepEqual(
      entries.map(({ level, msg }) => [level, msg]),
      [
        ['warn', 'Error: x\n    at y'],
        ['info', 'z'],
        ['warn', 'more'],
        ['warn', 'later'],
      ],
    );
  });

  it('leaves out blank lines', () => {
    assert.deepEqual(read('\n \n\n'), []);
  });

  it('is scrubbed before anything else sees it', () => {
    const [wrapped, parsed] = read('hush\n{"level":"info","msg":"hush hush"}\n');
    assert.equal(wrapped?.msg, '[secret]');
    assert.equal(parsed?.msg, '[secret] [secret]');
  });

  it('bounds an entry of many lines', () => {
    const entries = read(`${'x'.repeat(1_000)}\n`.repeat(200));
    assert.ok(entries.length >= 3 && entries.every((entry) => entry.msg.length <= 64 * 1024));
    assert.equal(entries.map((entry) => entry.msg).join('\n').length, 200 * 1_001 - 1);
  });
});
