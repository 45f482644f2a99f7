/**
 * A router over decoded path segments: a trie in which a literal goes before a parameter. A lookup tries the literal
 * child first and comes back to the parameter child if that leads nowhere, so each trie node is visited at most once:
 * the time is bounded by the routes' number and depth whatever the path looks like. HEAD is served by GET.
 */

export interface Match<Target> {
  readonly kind: 'found';
  readonly target: Target;
  /** Decoded values of the `{field}` segments, in the order of the path. */
  readonly parameters: readonly string[];
}

export interface MethodMismatch {
  readonly kind: 'method';
  /** The methods that the path has, HEAD and OPTIONS included, sorted. */
  readonly allow: readonly string[];
}

export type Lookup<Target> = Match<Target> | MethodMismatch | { readonly kind: 'none' };

interface TrieNode<Target> {
  readonly literals: Map<string, TrieNode<Target>>;
  parameter: TrieNode<Target> | undefined;
  readonly methods: Map<string, Target>;
}

export class Router<Target> {
  readonly #root = node<Target>();

  /**
   * Adds a route for a path such as `/v1/orders/{id}`.
   * @returns the target that already has this method and path shape (parameter names do not matter), if any; the new
   * one is then not added.
   */
  add(method: string, path: string, target: Target): Target | undefined {
    let at = this.#root;
    for (const segment of path === '/' ? [] : path.slice(1).split('/')) {
      if (segment.startsWith('{')) {
        at.parameter ??= node();
        at = at.parameter;
        continue;
      }
      let next = at.literals.get(segment);
      if (!next) {
        next = node();
        at.literals.set(segment, next);
      }
      at = next;
    }
    const taken = at.methods.get(method);
    if (taken === undefined) at.methods.set(method, target);
    return taken;
  }

  find(method: string, segments: readonly string[]): Lookup<Target> {
    const parameters: string[] = [];
    const allow = new Set<string>();
    const wanted = method === 'HEAD' ? 'GET' : method;
    const target = search(this.#root, segments, 0, wanted, parameters, allow);
    if (target !== undefined) return { kind: 'found', target, parameters };
    if (allow.size === 0) return { kind: 'none' };
    if (allow.has('GET')) allow.add('HEAD');
    allow.add('OPTIONS');
    return { kind: 'method', allow: [...allow].sort() };
  }
}

function node<Target>(): TrieNode<Target> {
  return { literals: new Map(), parameter: undefined, methods: new Map() };
}

function search<Target>(
  at: TrieNode<Target>,
  segments: readonly string[],
  depth: number,
  method: string,
  parameters: string[],
  allow: Set<string>,
): Target | undefined {
  if (depth === segments.length) {
    const target = at.methods.get(method);
    if (target === undefined) for (const other of at.methods.keys()) allow.add(other);
    return target;
  }
  const segment = segments[depth]!;
  const literal = at.literals.get(segment);
  if (literal) {
    const target = search(literal, segments, depth + 1, method, parameters, allow);
    if (target !== undefined) return target;
  }
  if (!at.parameter) return undefined;
  parameters.push(segment);
  const target = search(at.parameter, segments, depth + 1, method, parameters, allow);
  if (target === undefined) parameters.pop();
  return target;
}
