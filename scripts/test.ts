/**
 * `npm test`: all tests, or those whose path contains one of the arguments (`npm test -- broker`).
 *
 * First the tests beside the sources, several files at once; then those of the benchmarks and the whole-system tests in `test/`,
 * one file at a time because they start fleets and measure. The last line is `N passed, N failed, N skipped`.
 *
 * Environment: `FLOTILLA_TEST_NO_SKIP=1` makes a skipped test a failure (the machine is meant to have everything);
 * `FLOTILLA_TEST_TIMEOUT` is the limit per file in seconds (default 120, system tests 300). What else the shell says to
 * a fleet (`FLOTILLA_DATA`, `NATS_URL`, …) is kept from the tests.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { type FileOutcome, runTestFile } from './test-file.ts';

const root = resolve(import.meta.dirname, '..');
const filters = process.argv.slice(2).filter((argument) => argument !== '--');
const noSkip = process.env.FLOTILLA_TEST_NO_SKIP === '1';

// A test that took the data directory or the broker of the developer's own fleet would break both.
for (const name of Object.keys(process.env)) {
  if (/^(FLOTILLA_(?!TEST_)\w+|OTEL_\w+|NATS_URL|EXCHANGE_FEED)$/.test(name)) delete process.env[name];
}

const besideSources = find(['packages', 'exchange', 'scripts']);
const benchmarks = find(['bench']);
const wholeSystem = find(['test']);
if (besideSources.length + benchmarks.length + wholeSystem.length === 0) {
  console.error(`no test file matches ${filters.join(', ')}: give a part of a path, such as 'broker'`);
  process.exit(1);
}

const outcomes = [
  // One more than there are processors: many of them wait, for clocks of servers, elections, and children.
  ...(await runAll(besideSources, availableParallelism() + 1, 120)),
  ...(await runAll(benchmarks, 1, 120)),
  ...(await runAll(wholeSystem, 1, 300)),
];
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.flatMap((outcome) => outcome.failed.map((name) => `${shown(outcome.file)}: ${name}`));
const skipped = outcomes.flatMap((outcome) =>
  outcome.skipped.map((name) => `${shown(outcome.file)}: ${name}`),
);
const list = (title: string, names: string[]) => names.length && console.log([title, ...names].join('\n  '));
list('\nFailed:', failed);
list('\nSkipped:', skipped);
if (noSkip && skipped.length) console.log('\nSkipped tests fail this run, because FLOTILLA_TEST_NO_SKIP=1');
console.log(`\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
// A process that a test left behind must not keep the run alive; its file is already among the failures.
process.exit(failed.length || (noSkip && skipped.length) ? 1 : 0);

function find(folders: string[]): string[] {
  return globSync(
    folders.map((folder) => `${folder}/**/*.test.ts`),
    { cwd: root, exclude: ['**/node_modules', '**/dist'] },
  )
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort()
    .map((file) => resolve(root, file));
}

async function runAll(files: string[], width: number, defaultSeconds: number): Promise<FileOutcome[]> {
  const timeoutMs = 1000 * (Number(process.env.FLOTILLA_TEST_TIMEOUT) || defaultSeconds);
  const waiting = [...files];
  const outcomes: FileOutcome[] = [];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const heading = `\n${shown(file)}\n`;
      // One file at a time reports as it goes; several at once report when they end, so that lines do not mix.
      let text = heading;
      if (width === 1) process.stdout.write(heading);
      const write =
        width === 1 ? (part: string) => process.stdout.write(part) : (part: string) => (text += part);
      outcomes.push(await runTestFile(file, { timeoutMs, write }));
      if (width > 1) process.stdout.write(text);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return outcomes;
}

function shown(file: string): string {
  return relative(root, file);
}
