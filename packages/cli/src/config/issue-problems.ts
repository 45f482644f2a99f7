/** From what the schema finds to what the author of a configuration reads. */

import type { z } from 'zod';
import type { Problem } from './problem.ts';

/** What is wrong, in the words of the configuration, with a repair. */
export function problemsOfIssue(issue: z.core.$ZodIssue): Problem[] {
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
      return [{ path, message: unionMessage(path), repair: repairFor(path, 'correct its type') }];
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
  if (path === '') return ' (known: name, env, services, gateway, broker, liveness)';
  if (/^services\.[^.]+$/.test(path)) return ' (known: entry, replicas, after, env, liveness)';
  return '';
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
