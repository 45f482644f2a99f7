/**
 * `node exchange/matching/verify-journal.ts FILE.sqlite [--json]`: replays the journal of a database of `matching` and
 * compares it with what was acknowledged and with its snapshots. The report goes to stdout. The file is only read, and
 * may be in use. Exit codes: 0 intact, 1 not intact, 2 wrong usage or no such file.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { type JournalReport, verifyJournal } from './journal-verification.ts';

function complain(message: string): never {
  process.stderr.write(`${message}\nusage: node verify-journal.ts FILE.sqlite [--json]\n`);
  process.exit(2);
}

function readArguments(): { readonly file: string; readonly json: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) return complain('name one database file');
    return { file, json: values.json };
  } catch (error) {
    return complain((error as Error).message);
  }
}

function verify(file: string): JournalReport {
  if (!existsSync(file)) complain(`there is no file ${file}`);
  const database = new DatabaseSync(file, { readOnly: true, timeout: 2_000 });
  try {
    // One snapshot of the file, however much is written meanwhile.
    database.exec('BEGIN');
    return verifyJournal(database);
  } finally {
    database.close();
  }
}

function asText({ intact, entries, snapshots, stateHash, journalHash, faults }: JournalReport): string {
  const lines = [
    intact ? 'The journal is intact.' : 'The journal is NOT intact:',
    ...faults.map((fault) => `  ${fault}`),
    `entries    ${entries}`,
    `snapshots  ${snapshots} met`,
    `state      ${stateHash}`,
    `journal    ${journalHash}`,
  ];
  return lines.join('\n');
}

const { file, json } = readArguments();
const report = verify(file);
process.stdout.write(`${json ? JSON.stringify(report) : asText(report)}\n`);
process.exitCode = report.intact ? 0 : 1;
