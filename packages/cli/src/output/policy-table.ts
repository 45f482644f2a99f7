/** The rules of policies, for people: one line per setting that differs from the defaults. */

import type { PolicyRules } from 'flotilla/policy-rules';
import { settingsOf } from '../steering/policy-order.ts';
import { type Paint, plain } from './colour.ts';
import { table } from './table.ts';

interface Row {
  readonly selector: string;
  readonly key: string;
  readonly value: string;
  readonly source: string;
}

/** Undefined when no rule says anything. */
export function policyTable(
  configured: PolicyRules,
  policies: PolicyRules,
  paint: Paint = plain,
): string | undefined {
  const rows = [...rowsOf(configured, 'configuration'), ...rowsOf(policies, 'run time')];
  if (rows.length === 0) return undefined;
  return table<Row>(
    [
      { title: 'SELECTOR', cell: (each) => each.selector },
      { title: 'SETTING', cell: (each) => each.key },
      { title: 'VALUE', cell: (each) => each.value },
      { title: 'SOURCE', cell: (each) => each.source },
    ],
    rows,
    paint,
  );
}

function rowsOf(rules: PolicyRules, source: string): Row[] {
  return Object.entries(rules).flatMap(([selector, rule]) =>
    settingsOf(rule).map(([key, value]) => ({ selector, key, value: String(value), source })),
  );
}
