/** Finds files that import each other in a circle. Type imports count: a circle cannot be read top-down either way. */
import { dirname, normalize } from 'node:path';
import type { Import } from './imports.ts';

export interface Cycle {
  /** The file whose import closes the circle, and the line of that import. */
  readonly file: string;
  readonly line: number;
  /** The files of the circle, beginning and ending with the same one. */
  readonly path: readonly string[];
}

/** One cycle for each import that leads back to a file on the way (depth-first, in the order of the map). */
export function findCycles(graph: ReadonlyMap<string, readonly Import[]>): Cycle[] {
  const cycles: Cycle[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string) => {
    way.push(file);
    for (const { specifier, line } of graph.get(file) ?? []) {
      if (!specifier.startsWith('.')) continue;
      const target = normalize(`${dirname(file)}/${specifier}`);
      const start = way.indexOf(target);
      if (start >= 0) cycles.push({ file, line, path: [...way.slice(start), target] });
      else if (!done.has(target)) visit(target);
    }
    way.pop();
    done.add(file);
  };
  for (const file of graph.keys()) if (!done.has(file)) visit(file);
  return cycles;
}
