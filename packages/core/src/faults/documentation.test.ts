import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { misfit } from './fault.ts';
import { parseFaultEffect, parseFaultTarget } from './fault-text.ts';

const text = readFileSync(new URL('../../../../docs/faults.md', import.meta.url), 'utf8');

/** The rows of a section's table, as the texts of their cells. */
function table(section: string): string[][] {
  const body = text.split(`## ${section}\n`)[1]!.split('\n## ')[0]!;
  const rows = body.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const code = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);

describe('the page about faults', () => {
  it('names targets that are read as it says', () => {
    const [service, instance, edges, operation] = table('Targets').map(([written]) => code(written!));
    assert.deepEqual(parseFaultTarget(service![0]!), { service: 'ledger' });
    assert.deepEqual(parseFaultTarget(instance![0]!), { service: 'ledger', instance: 'ledger-2' });
    for (const edge of edges!) assert.deepEqual(parseFaultTarget(edge), { from: 'risk', to: 'ledger' });
    assert.deepEqual(parseFaultTarget(operation![0]!), { from: 'risk', to: 'ledger', operation: 'hold' });
  });

  it('has every kind of fault, as it is written, and says for which it is nothing on an edge', () => {
    const kinds = new Set<string>();
    for (const [written, onEdge] of table('Kinds')) {
      const { kind } = parseFaultEffect(code(written!)[0]!);
      kinds.add(kind);
      assert.equal(onEdge === '', misfit(kind, { from: 'a', to: 'b' }) !== undefined, kind);
    }
    const all = ['latency', 'error', 'blackhole', 'reset', 'cpu', 'pause', 'kill'];
    assert.deepEqual([...kinds].sort(), all.sort());
  });

  it('shows commands whose faults can be', () => {
    const [, commands = ''] = /```sh\n([\s\S]*?)```/.exec(text) ?? [];
    const added = commands.split('\n').filter((line) => line.startsWith('flotilla fault add'));
    assert.ok(added.length >= 4);
    for (const line of added) {
      const [target = '', ...effects] = line
        .replace('flotilla fault add ', '')
        .replace(/ --for .*/, '')
        .replaceAll('"', '')
        .split(' ');
      assert.ok(effects.length > 0, line);
      for (const effect of effects) parseFaultEffect(effect, parseFaultTarget(target));
    }
  });
});
