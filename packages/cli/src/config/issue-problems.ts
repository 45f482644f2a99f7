/** From what the schema finds to what the author of a configuration reads. */

import type { z } from 'zod';
import { ruleKeys } from './policy-keys.ts';
import type { Problem } from './problem.ts';
import { FleetSchema, ServiceSchema } from './schema.ts';

/** What is wrong, in the words of the configuration, with a repair. */
export function problemsOfIssue(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String).join('.');
  const known = knownSettings(issue.path.map(String));
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: at(key),
        message: 'is not a known setting',
        repair: `remove it or correct its spelling${known === undefined ? '' : ` (known: ${known})`}`,
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
      return [{ path, message: unionMessage(path), repair: repairFor(path, 'correct its type') }];
    case 'too_small':
      return [
        { path, message: `must be at least ${issue.minimum}`, repair: `set it to ${issue.minimum} or more` },
      ];
    case 'too_big':
      return [
        { path, message: `must be at most ${issue.maximum}`, repair: `set it to ${issue.maximum} or less` },
      ];
    case 'invalid_value':
      return [
        {
          path,
          message: 'is not one of its values',
          repair: `use one of ${issue.values.map(String).join(', ')}`,
        },
      ];
    case 'invalid_type':
      return [{ path, message: typeMessage(issue), repair: repairFor(path) }];
    case 'custom':
      return [{ path, message: issue.message, repair: String(issue.params?.repair ?? repairFor(path)) }];
    default:
      return [{ path, message: lowerFirst(issue.message), repair: repairFor(path) }];
  }
}

function knownSettings(path: readonly string[]): string | undefined {
  if (path.length === 0) return Object.keys(FleetSchema.shape).join(', ');
  if (path[0] === 'services' && path.length === 2) return Object.keys(ServiceSchema.shape).join(', ');
  if (path[0] === 'policies') return ruleKeys(path[2]).join(', ');
  return undefined;
}

function typeMessage(issue: z.core.$ZodIssueInvalidType): string {
  if (issue.message.endsWith('received undefined')) return 'is missing';
  const wanted = issue.expected === 'int' ? 'a whole number' : `a ${issue.expected}`;
  return `must be ${wanted}`.replace('a object', 'an object').replace('a array', 'a list');
}

function unionMessage(path: string): string {
  if (path === 'gateway') return 'must be an object of gateway settings, or false for no gateway';
  if (path.endsWith('liveness'))
    return 'must be an object with a timeout, or false to never replace silent processes';
  return 'must be text, a number or a boolean';
}

function repairFor(path: string, otherwise = 'correct it'): string {
  if (path === '') return 'export default fleet({ name, services }) from the configuration file';
  if (path === 'name') return "give the fleet a name, e.g. name: 'shop'";
  if (path.endsWith('.entry')) return "name the service's module, e.g. entry: './stock/service.ts'";
  if (/liveness(\.timeout)?$/.test(path)) return "write for example liveness: { timeout: '5s' }";
  return otherwise;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
