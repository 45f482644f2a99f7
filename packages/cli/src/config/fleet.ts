/** `fleet(config)`: what a `flotilla.config.ts` exports. Checks the shape and the start order, all at once. */

import type { z } from 'zod';
import { FleetConfigError, type Problem } from './problem.ts';
import { type Fleet, type FleetConfig, FleetSchema } from './schema.ts';
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
  ];
  if (!parsed.success || problems.length > 0) throw new FleetConfigError(problems, config);
  return parsed.data;
}

function problemsOfIssue(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String).join('.');
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: at(key),
        message: 'is not a known setting',
        repair: `remove it or correct its spelling${knownSettings(path)}`,
      }));
    case 'invalid_key':
      return [
        {
          path,
          message: `the name "${String(issue.path.at(-1))}" ${issue.issues[0]?.message ?? 'is not allowed'}`,
          repair: 'rename it',
        },
      ];
    case 'invalid_union':
      return [{ path, message: unionMessage(path), repair: 'correct its type' }];
    case 'too_small':
      return [
        { path, message: `must be at least ${issue.minimum}`, repair: `set it to ${issue.minimum} or more` },
      ];
    case 'too_big':
      return [
        { path, message: `must be at most ${issue.maximum}`, repair: `set it to ${issue.maximum} or less` },
      ];
    default:
      return [{ path, message: lowerFirst(issue.message), repair: repairFor(path) }];
  }
}

function knownSettings(path: string): string {
  if (path === '') return ' (known: name, env, services, gateway, broker)';
  if (/^services\.[^.]+$/.test(path)) return ' (known: entry, replicas, after, env)';
  return '';
}

function unionMessage(path: string): string {
  if (path === 'gateway') return 'must be an object of gateway settings, or false for no gateway';
  return 'must be text, a number or a boolean';
}

function repairFor(path: string): string {
  if (path === '') return 'export default fleet({ name, services }) from the configuration file';
  if (path === 'name') return "give the fleet a name, e.g. name: 'shop'";
  if (path.endsWith('.entry')) return "name the service's module, e.g. entry: './stock/service.ts'";
  return 'correct it';
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
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
