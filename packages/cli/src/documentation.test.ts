import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Command } from 'commander';
import { EXIT_STATUS } from './failure.ts';
import { createProgram } from './main.ts';
import { plain } from './output/colour.ts';

const TEXT = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');

const program = createProgram({
  terminal: { out() {}, talk() {}, paintOut: plain, paintTalk: plain, onReaderGone() {} },
  env: {},
  cwd: '/',
  exitWith() {},
});

/** `broker run`, `ps`, …: commands that do something, with their full names. */
function leaves(command: Command, prefix = ''): [name: string, command: Command][] {
  return command.commands.flatMap((each) => {
    const name = `${prefix}${each.name()}`;
    return each.commands.length > 0 ? leaves(each, `${name} `) : [[name, each]];
  });
}

describe('docs/cli.md', () => {
  it('lists every command with its arguments, and no other', () => {
    const documented = [...TEXT.matchAll(/^\| `flotilla ([^`]+)` +\|/gm)].map(([, usage]) => usage);
    const existing = leaves(program).map(([name, command]) => {
      const args = command.registeredArguments.map((argument) =>
        argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
      );
      return [name, ...args].join(' ');
    });
    assert.deepEqual(documented.sort(), existing.sort());
  });

  it('mentions every option', () => {
    for (const [name, command] of leaves(program)) {
      for (const { flags } of command.options) {
        const long = flags.replace(/^-\w, /, '');
        assert.ok(TEXT.includes(`\`${long}\``), `${name}: ${long}`);
      }
    }
  });

  it('lists every failure with its exit code, and no other', () => {
    const rows = [...TEXT.matchAll(/^\| (\d+) +\| `(\w+)` +\|/gm)].map(([, status, code]) => [
      code,
      Number(status),
    ]);
    assert.deepEqual(Object.fromEntries(rows), EXIT_STATUS);
  });
});
