/** Policies as an operator orders them at run time: `retry.attempts=1`, `waitMs=5s`. */

import { type PolicyRule, PolicyRules } from 'flotilla/policy-rules';
import { problemsOfIssue } from '../config/issue-problems.ts';
import { POLICY_DEFAULTS } from '../config/policy-keys.ts';
import { durationOf } from '../duration.ts';
import { Failure } from '../failure.ts';

const EXAMPLE = 'flotilla policy set ledger.hold retry.attempts=1 breaker.openMs=2s';

/**
 * @param selector whose calls they are for
 * @throws Failure `usage` that says which key or value is wrong, and what is right.
 */
export function ruleOf(settings: readonly string[], selector = '*'): PolicyRule {
  if (settings.length === 0) throw usage('no setting is named', `write it like ${EXAMPLE}`);
  const rule: Record<string, unknown> = {};
  for (const text of settings) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (key === '') throw usage(`"${text}" is not key=value`, `write it like ${EXAMPLE}`);
    const [group = '', inner] = requireKey(key).split('.');
    const parsed = settingValue(key, value);
    rule[group] = inner === undefined ? parsed : { ...(rule[group] as object | undefined), [inner]: parsed };
  }
  const { data, error } = PolicyRules.safeParse({ [selector]: rule });
  const checked = data?.[selector];
  if (checked !== undefined) return checked;
  const [problem] = (error?.issues ?? []).flatMap(problemsOfIssue);
  throw usage(
    `${problem?.path.slice(selector.length + 1)} ${problem?.message}`,
    problem?.repair ?? `write it like ${EXAMPLE}`,
  );
}

/** @throws Failure `usage` for a setting that does not exist. */
export function requireKey(key: string): string {
  if (POLICY_DEFAULTS.has(key)) return key;
  const last = key.split('.').at(-1);
  const near = [...POLICY_DEFAULTS.keys()].filter(
    (each) => each.split('.').at(-1) === last || each.startsWith(`${key}.`),
  );
  const known = near.length > 0 ? near : [...POLICY_DEFAULTS.keys()];
  throw usage(`there is no setting "${key}" of a policy`, `use one of ${known.join(', ')}`);
}

/** By the type of its default. Times may be written with their unit. */
function settingValue(key: string, text: string): number | boolean | string {
  const usual = POLICY_DEFAULTS.get(key);
  if (typeof usual === 'string') return text;
  if (typeof usual === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw usage(`${key} is "${text}"`, 'use true or false');
  }
  const isTime = key.endsWith('Ms');
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  const value =
    percent !== undefined && !isTime ? Number(percent) / 100 : text === '' ? Number.NaN : Number(text);
  if (!Number.isNaN(value)) return value;
  const ms = isTime ? durationOf(text) : undefined;
  if (ms !== undefined) return ms;
  throw usage(`${key} is "${text}"`, isTime ? 'use a time like 500ms or 5s' : 'use a number');
}

/** A rule with further settings. */
export function merged(rule: PolicyRule | undefined, changes: PolicyRule): PolicyRule {
  const result: Record<string, unknown> = { ...rule };
  for (const [key, value] of Object.entries(changes)) {
    result[key] = typeof value === 'object' ? { ...(result[key] as object | undefined), ...value } : value;
  }
  return result as PolicyRule;
}

/** A rule without one setting; undefined when nothing is left of it. */
export function without(rule: PolicyRule, key: string): PolicyRule | undefined {
  const [group = '', inner] = key.split('.');
  const result: Record<string, unknown> = { ...rule };
  const inside = inner === undefined ? {} : { ...(result[group] as object | undefined), [inner]: undefined };
  const left = Object.entries(inside).filter(([, value]) => value !== undefined);
  if (left.length === 0) delete result[group];
  else result[group] = Object.fromEntries(left);
  return Object.keys(result).length === 0 ? undefined : (result as PolicyRule);
}

/** Its settings, one by one: `retry.attempts` → 1. */
export function settingsOf(rule: PolicyRule): [key: string, value: unknown][] {
  return Object.entries(rule).flatMap(([key, value]) =>
    typeof value === 'object'
      ? Object.entries(value).map(([inner, each]): [string, unknown] => [`${key}.${inner}`, each])
      : [[key, value] as [string, unknown]],
  );
}

function usage(message: string, repair: string): Failure {
  return new Failure('usage', message, { repair });
}
