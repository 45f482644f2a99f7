/** The `after` relation between services: unknown names and cycles. */

import type { Problem } from './problem.ts';

/** Names the platform uses for its own processes. */
export const RESERVED_NAMES: readonly string[] = ['broker', 'gateway', 'flotilla', 'cli'];

export function startOrderProblems(after: ReadonlyMap<string, readonly string[]>): Problem[] {
  const problems: Problem[] = [];
  for (const [service, dependencies] of after) {
    if (RESERVED_NAMES.includes(service)) {
      problems.push({
        path: `services.${service}`,
        message: `"${service}" is a name the platform uses itself`,
        repair: 'give the service another name',
      });
    }
    dependencies.forEach((dependency, index) => {
      if (!after.has(dependency)) problems.push(unknownName(service, index, dependency, [...after.keys()]));
    });
  }
  for (const cycle of cycles(after)) {
    problems.push({
      path: `services.${cycle[0]}.after`,
      message: `waits for itself: ${[...cycle, cycle[0]].join(' → ')}`,
      repair: 'remove one of these from `after`, so that some service can start first',
    });
  }
  return problems;
}

function unknownName(service: string, index: number, dependency: string, known: string[]): Problem {
  const path = `services.${service}.after.${index}`;
  if (dependency === 'broker') {
    return { path, message: 'every service already starts after the broker', repair: 'remove it' };
  }
  const others = known.filter((name) => name !== service);
  return {
    path,
    message: `there is no service "${dependency}"`,
    repair: others.length === 0 ? 'remove it' : `use one of ${others.join(', ')}, or remove it`,
  };
}

/** Each cycle once, beginning with its member that the configuration names first. */
function cycles(after: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (service: string): void => {
    const at = path.indexOf(service);
    if (at >= 0) {
      found.push(path.slice(at));
      return;
    }
    if (done.has(service)) return;
    path.push(service);
    for (const dependency of after.get(service) ?? []) visit(dependency);
    path.pop();
    done.add(service);
  };
  for (const service of after.keys()) visit(service);
  return found;
}
