/**
 * Runs one test file in its own process, under a time limit for the whole file: a test that hangs, a busy loop and a
 * handle left open all end as a named failure instead of a run that never finishes.
 */
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

export interface FileOutcome {
  readonly file: string;
  readonly passed: number;
  /** Names of the tests that failed, were cancelled or never ended. */
  readonly failed: readonly string[];
  /** Names of the tests that were skipped or are still to be written (`todo`). */
  readonly skipped: readonly string[];
}

export interface FileOptions {
  /** Limit for the whole file, milliseconds. */
  readonly timeoutMs: number;
  /** Receives the report as it is made. */
  readonly write: (text: string) => void;
}

/** How long a file may take to end after it was told to, before it is left behind. */
const killGraceMs = 5_000;
/** The part of the file's limit that one test may take, so that a hanging test is named before the file is stopped. */
const testShare = 0.9;

export async function runTestFile(file: string, options: FileOptions): Promise<FileOutcome> {
  const limit = new AbortController();
  const passed: string[] = [];
  const failed: string[] = [];
  const skipped: string[] = [];
  const events = run({ files: [file], signal: limit.signal, timeout: options.timeoutMs * testShare });
  const report = new spec();
  report.on('data', (text) => options.write(String(text)));

  const finished = (async () => {
    for await (const event of events) {
      if (event.type === 'test:summary' || event.type === 'test:diagnostic' || event.type === 'test:plan')
        continue;
      report.write(event);
      if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
      const { name, details, skip, todo } = event.data;
      if (details.type === 'suite' && event.type === 'test:pass' && skip === undefined && todo === undefined)
        continue;
      if (failureType(details) === 'subtestsFailed') continue;
      if (skip !== undefined || todo !== undefined) skipped.push(name);
      else if (event.type === 'test:pass') passed.push(name);
      else failed.push(name === file ? fileFailure(failureType(details), options.timeoutMs) : name);
    }
  })();
  const timer = setTimeout(() => limit.abort(), options.timeoutMs);
  const abandoned = Promise.withResolvers<void>();
  const grace = setTimeout(() => {
    failed.push(
      `the file was still running ${killGraceMs / 1000} s after it was stopped; a child process holds on`,
    );
    abandoned.resolve();
  }, options.timeoutMs + killGraceMs);
  try {
    await Promise.race([finished, abandoned.promise]);
  } finally {
    clearTimeout(timer);
    clearTimeout(grace);
  }
  await new Promise<void>((resolve) => report.end(resolve));
  if (failed.length === 0 && passed.length === 1 && passed[0] === file) {
    passed.length = 0;
    failed.push('the file defines no test');
  }
  return { file, passed: passed.length, failed, skipped };
}

/** What went wrong, in the words of `node:test`; undefined for a test that passed. */
function failureType(details: object): string | undefined {
  return (details as { error?: { failureType?: string } }).error?.failureType;
}

function fileFailure(type: string | undefined, timeoutMs: number): string {
  return type === 'testAborted'
    ? `the file did not end within ${timeoutMs / 1000} s: a test hangs, or something is still open`
    : 'the file failed outside of its tests';
}
