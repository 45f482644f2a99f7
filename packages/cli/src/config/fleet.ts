/** `fleet(config)`: what a `flotilla.config.ts` exports. Checks the shape and the start order, all at once. */

import { PolicyRules } from 'flotilla/policy-rules';
import { problemsOfIssue } from './issue-problems.ts';
import { FleetConfigError, type Problem } from './problem.ts';
import { type Fleet, type FleetConfig, FleetSchema } from './schema.ts';
import { unknownIn } from './selector.ts';
import { startOrderProblems } from './start-order.ts';

/**
 * Describes a fleet.
 *
 * ```ts
 * export default fleet({
 *   name: 'shop',
 *   services: { stock: { entry: './stock/service.ts' }, orders: { entry: './orders/service.ts', after: ['stock'] } },
 *   gateway: { auth: { issuer: 'shop', audience: 'shop', keys: 'identity.keys' } },
 * });
 * ```
 *
 * @throws FleetConfigError (`invalid_configuration`) that lists every problem with its path and repair.
 */
export function fleet(config: FleetConfig): Fleet {
  return parseFleet(config);
}

export function parseFleet(config: unknown): Fleet {
  const parsed = FleetSchema.safeParse(config);
  const problems = [
    ...(parsed.success ? [] : parsed.error.issues.flatMap(problemsOfIssue)),
    ...startOrderProblems(startOrderOf(config)),
    ...policyProblems(config),
  ];
  if (!parsed.success || problems.length > 0) throw new FleetConfigError(problems, config);
  return parsed.data;
}

/** Policies for services that are not there would be silently without effect. */
function policyProblems(config: unknown): Problem[] {
  const policies = isRecord(config) && isRecord(config.policies) ? config.policies : {};
  const services = Object.keys(rawServices(config));
  return Object.keys(policies).flatMap((selector) =>
    // Of what is no selector at all, the schema tells.
    (PolicyRules.safeParse({ [selector]: {} }).success ? unknownIn(selector, services) : []).map((name) => ({
      path: `policies.${selector}`,
      message: `there is no service "${name}"`,
      repair: `use one of ${services.join(', ')}, or * for all`,
    })),
  );
}

/** Reads `after` leniently, so that a cycle is reported beside a wrong type elsewhere. */
function startOrderOf(config: unknown): Map<string, readonly string[]> {
  const order = new Map<string, readonly string[]>();
  for (const [service, settings] of Object.entries(rawServices(config))) {
    const after = isRecord(settings) && Array.isArray(settings.after) ? settings.after : [];
    order.set(
      service,
      after.filter((name) => typeof name === 'string'),
    );
  }
  return order;
}

/** The `services` of a configuration that may be anything. */
export function rawServices(config: unknown): Record<string, unknown> {
  return isRecord(config) && isRecord(config.services) ? config.services : {};
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
