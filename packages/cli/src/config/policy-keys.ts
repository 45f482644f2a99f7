/** The settings of a policy as people write them: `waitMs`, `retry.attempts`, …, each with its default. */

import { explainPolicy } from 'flotilla/policy-rules';

export const POLICY_DEFAULTS: ReadonlyMap<string, number | boolean | string> = new Map(
  explainPolicy([], '*', '*').map(({ key, value }) => [key, value]),
);

/** What a rule may have at its top (`retry`, `waitMs`) or inside one of its groups (`attempts`). */
export function ruleKeys(group?: string): readonly string[] {
  const prefix = group === undefined ? '' : `${group}.`;
  const inside = [...POLICY_DEFAULTS.keys()].filter((key) => key.startsWith(prefix));
  return [...new Set(inside.map((key) => key.slice(prefix.length).split('.')[0] ?? ''))];
}
