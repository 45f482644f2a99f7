/**
 * Where a policy comes from. Rules are written for a selector (everything, a service, an operation, an edge between two
 * services), in layers (defaults, the calling service's code, the fleet's configuration, changes at run time). A later
 * layer wins over an earlier one, and inside a layer the more specific selector over the more general; key by key, so
 * that a rule says only what it changes.
 */
import { z } from 'zod';
import { type CallPolicy, defaultPolicy } from './policy.ts';

const share = z.number().min(0).max(1);
/** A day at most: what a timer can wait for. */
const ms = z.number().min(0).max(86_400_000);
/** What is counted is kept in memory, in buckets of 100 ms. */
const windowMs = z.number().min(0).max(600_000);
const count = z.int().min(1);

const Rule = z.strictObject({
  deadlineMs: ms.optional(),
  waitMs: ms.optional(),
  balancing: z.enum(['peak-ewma', 'round-robin', 'random', 'consistent-hash']).optional(),
  preferZone: z.boolean().optional(),
  slowStartMs: ms.optional(),
  ejection: z
    .strictObject({
      enabled: z.boolean(),
      consecutiveFailures: count,
      failureRate: share,
      minimumCalls: count,
      windowMs,
      baseMs: ms,
      maxMs: ms,
      maxShare: share,
    })
    .partial()
    .optional(),
  breaker: z
    .strictObject({
      enabled: z.boolean(),
      failureRate: share,
      slowRate: share,
      slowMs: ms,
      slowFactor: z.number().min(1),
      minimumCalls: count,
      windowMs,
      maxWindowMs: windowMs,
      openMs: ms,
      maxOpenMs: ms,
      probes: count,
    })
    .partial()
    .optional(),
  bulkhead: z
    .strictObject({ concurrency: count, queue: z.int().min(0) })
    .partial()
    .optional(),
  retry: z
    .strictObject({ attempts: count, baseMs: ms, maxMs: ms, budget: share, reserve: z.number().min(0) })
    .partial()
    .optional(),
  throttle: z
    .strictObject({ enabled: z.boolean(), ratio: z.number().min(1), windowMs })
    .partial()
    .optional(),
  hedge: z
    .strictObject({ enabled: z.boolean(), quantile: share, minMs: ms, budget: share })
    .partial()
    .optional(),
});

/** What one rule changes. */
export type PolicyRule = z.infer<typeof Rule>;

/** `*`, `ledger`, `ledger.hold`, `risk->ledger`, `risk->ledger.hold`, `risk->*`. */
const selectorPattern = /^(?:[a-z][a-z0-9-]*->)?(?:\*|[a-z][a-z0-9-]*(?:\.[A-Za-z$][A-Za-z0-9]*)?)$/;

/**
 * What all operations of a service share, so that it cannot be another for one of them: the connections to its instances,
 * their places, and budgets that are shares of all calls.
 */
const ofService = /^(?:preferZone$|ejection\.|bulkhead\.|(?:retry|hedge)\.budget$|retry\.reserve$)/;

export const PolicyRules = z
  .record(
    z.string().regex(selectorPattern, {
      error: 'is not a selector: use *, <service>, <service>.<operation>, or <caller>-> before one of these',
    }),
    Rule,
  )
  .superRefine((rules, { addIssue }) => {
    for (const [selector, rule] of Object.entries(rules)) {
      const [service, operation] = selector.split('.');
      if (operation === undefined) continue;
      for (const [key] of leaves(rule)) {
        if (!ofService.test(key)) continue;
        addIssue({
          code: 'custom',
          path: [selector, ...key.split('.')],
          message: 'is shared by all operations of a service',
          params: { repair: `set it for ${service}` },
        });
      }
    }
  });
export type PolicyRules = z.infer<typeof PolicyRules>;

/** Layers in the order in which they win. */
export type PolicySource = 'default' | 'code' | 'configuration' | 'run time';

export interface PolicyLayer {
  readonly source: Exclude<PolicySource, 'default'>;
  readonly rules: PolicyRules;
}

/** One number of an effective policy and why it is what it is. */
export interface PolicyValue {
  /** `retry.attempts`. */
  readonly key: string;
  readonly value: number | boolean | string;
  readonly source: PolicySource;
  /** The rule's selector; undefined for a default. */
  readonly selector: string | undefined;
}

/** A policy as it holds for an operation. */
export interface EffectivePolicy extends CallPolicy {
  /** What rules say of `deadlineMs`, which a call that comes with a budget of its own keeps to as well; Infinity: nothing. */
  readonly longestMs: number;
}

/**
 * The effective policy of calls from `caller` to `service`, for one operation or, without one, for what all of them
 * share (ejection, bulkhead, the budgets of retries and hedges).
 */
export function resolvePolicy(
  layers: readonly PolicyLayer[],
  caller: string,
  service: string,
  operation?: string,
): EffectivePolicy {
  let policy: EffectivePolicy = { ...defaultPolicy, longestMs: Number.POSITIVE_INFINITY };
  for (const { rules } of layers) {
    for (const selector of selectorsOf(caller, service, operation)) policy = applied(policy, rules[selector]);
  }
  return policy;
}

/** The same, with the origin of every value. */
export function explainPolicy(
  layers: readonly PolicyLayer[],
  caller: string,
  service: string,
  operation?: string,
): PolicyValue[] {
  const values = new Map<string, PolicyValue>();
  for (const [key, value] of leaves(defaultPolicy)) {
    values.set(key, { key, value, source: 'default', selector: undefined });
  }
  for (const { source, rules } of layers) {
    for (const selector of selectorsOf(caller, service, operation)) {
      const isOfOne = selector.includes('.');
      for (const [key, value] of leaves(rules[selector] ?? {})) {
        // Possible in code, where nobody checks the rules.
        if (isOfOne && ofService.test(key)) continue;
        values.set(key, { key, value, source, selector });
      }
    }
  }
  return [...values.values()];
}

/** From the general to the specific. */
function selectorsOf(caller: string, service: string, operation: string | undefined): string[] {
  const targets = ['*', service, ...(operation === undefined ? [] : [`${service}.${operation}`])];
  return targets.flatMap((target) => [target, `${caller}->${target}`]);
}

function applied(policy: EffectivePolicy, rule: PolicyRule | undefined): EffectivePolicy {
  if (!rule) return policy;
  const merged: Record<string, unknown> = { ...policy, longestMs: rule.deadlineMs ?? policy.longestMs };
  for (const [key, value] of Object.entries(rule)) {
    if (value === undefined) continue;
    merged[key] = typeof value === 'object' ? { ...(merged[key] as object), ...value } : value;
  }
  return merged as unknown as EffectivePolicy;
}

function* leaves(value: object, prefix = ''): Generator<[string, number | boolean | string]> {
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    if (typeof inner === 'object') yield* leaves(inner as object, `${prefix}${key}.`);
    else yield [`${prefix}${key}`, inner as number | boolean | string];
  }
}
