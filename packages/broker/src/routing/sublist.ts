/**
 * Who is subscribed to what: a trie by subject token, and a bounded cache from published subject to the matching
 * lists.
 *
 * A match refers to the live lists at the matching trie nodes, so it stays right while members come and go. Only the
 * first member of a list and the leaving of the last change what a match consists of: that drops one cache entry when
 * the pattern has no wildcard, all of them otherwise. Subscribing, unsubscribing and matching are linear in tokens
 * and matching nodes, however many members there are.
 */
import type { Subscription } from './subscription.ts';

/** Members of one pattern, or of one queue group of one pattern. Order has no meaning. */
export type Members = Subscription[];

export interface Match {
  readonly plain: readonly Members[];
  /** Per queue group, the members under every matching pattern. */
  readonly groups: readonly (readonly Members[])[];
}

interface Node {
  readonly literals: Map<string, Node>;
  /** Child for `*`. */
  any: Node | undefined;
  /** Child for `>`. */
  tail: Node | undefined;
  readonly plain: Members;
  readonly queues: Map<string, Members>;
}

const DOT = 0x2e;
const NO_GROUPS: Match['groups'] = [];
const NO_MATCH: Match = { plain: [], groups: NO_GROUPS };
const CACHED_SUBJECTS = 8192;
/** Longer subjects are looked up each time, so that the cache cannot be made to hold megabytes. */
const LONGEST_CACHED = 256;
/** Subjects that were looked up once, by a hash of their ends; see `match`. */
const SEEN_ONCE = 4096;

function createNode(): Node {
  return { literals: new Map(), any: undefined, tail: undefined, plain: [], queues: new Map() };
}

function isUnused(node: Node): boolean {
  return (
    node.plain.length === 0 &&
    node.queues.size === 0 &&
    node.literals.size === 0 &&
    node.any === undefined &&
    node.tail === undefined
  );
}

function childOf(node: Node, token: string): Node | undefined {
  return token === '*' ? node.any : token === '>' ? node.tail : node.literals.get(token);
}

function addChild(node: Node, token: string): Node {
  const child = createNode();
  if (token === '*') node.any = child;
  else if (token === '>') node.tail = child;
  else node.literals.set(token, child);
  return child;
}

function removeChild(node: Node, token: string): void {
  if (token === '*') node.any = undefined;
  else if (token === '>') node.tail = undefined;
  else node.literals.delete(token);
}

export class Sublist {
  readonly #root = createNode();
  readonly #cache = new Map<string, Match>();
  readonly #seenOnce: string[] = new Array<string>(SEEN_ONCE).fill('');
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The subscription's subject must be valid for SUB. */
  insert(subscription: Subscription): void {
    const tokens = subscription.subject.split('.');
    let node = this.#root;
    for (const token of tokens) node = childOf(node, token) ?? addChild(node, token);

    let members = node.plain;
    if (subscription.queue !== '') {
      members = node.queues.get(subscription.queue) ?? [];
      if (members.length === 0) node.queues.set(subscription.queue, members);
    }
    if (members.length === 0) this.#forget(subscription.subject, tokens);
    subscription.slot = members.length;
    members.push(subscription);
    this.#size++;
  }

  /** False when it is not in the list. */
  remove(subscription: Subscription): boolean {
    const tokens = subscription.subject.split('.');
    const path: Node[] = [this.#root];
    for (const token of tokens) {
      const child = childOf(path.at(-1)!, token);
      if (child === undefined) return false;
      path.push(child);
    }
    const node = path.at(-1)!;
    const members = subscription.queue === '' ? node.plain : node.queues.get(subscription.queue);
    if (members?.[subscription.slot] !== subscription) return false;

    const last = members.pop()!;
    if (last !== subscription) {
      members[subscription.slot] = last;
      last.slot = subscription.slot;
    }
    subscription.slot = -1;
    this.#size--;
    if (members.length > 0) return true;

    if (subscription.queue !== '') node.queues.delete(subscription.queue);
    for (let depth = tokens.length; depth > 0 && isUnused(path[depth]!); depth--) {
      removeChild(path[depth - 1]!, tokens[depth - 1]!);
    }
    this.#forget(subscription.subject, tokens);
    return true;
  }

  /** How many live members there are under exactly this pattern and queue group (empty for plain ones). */
  members(pattern: string, queue: string): number {
    let node: Node | undefined = this.#root;
    for (const token of pattern.split('.')) {
      node = childOf(node, token);
      if (node === undefined) return 0;
    }
    const members = queue === '' ? node.plain : (node.queues.get(queue) ?? []);
    return members.filter((member) => !member.closed).length;
  }

  /**
   * Cached from the second time on. Replies and acknowledgements have a subject of their own each, which never comes
   * again: they would drive all others out, and putting one into the cache costs more than finding its match.
   */
  match(subject: string): Match {
    const cached = this.#cache.get(subject);
    if (cached !== undefined) return cached;
    const match = this.find(subject);
    if (subject.length > LONGEST_CACHED) return match;
    const slot = slotOf(subject);
    if (this.#seenOnce[slot] !== subject) {
      this.#seenOnce[slot] = subject;
      return match;
    }
    if (this.#cache.size >= CACHED_SUBJECTS) this.#cache.clear();
    this.#cache.set(subject, match);
    return match;
  }

  #forget(pattern: string, tokens: readonly string[]): void {
    if (tokens.at(-1) === '>' || tokens.includes('*')) this.#cache.clear();
    else this.#cache.delete(pattern);
  }

  /** The same as `match`, without the cache. */
  find(subject: string): Match {
    if (hasEmptyToken(subject)) return NO_MATCH;
    const found: Found = { plain: [], groups: undefined };
    collect(this.#root, subject, 0, found);
    const { plain, groups } = found;
    if (groups === undefined) return plain.length === 0 ? NO_MATCH : { plain, groups: NO_GROUPS };
    return { plain, groups: [...groups.values()] };
  }
}

/** What has been collected so far. Most subjects have no queue group: the map is made for the first one. */
interface Found {
  readonly plain: Members[];
  groups: Map<string, Members[]> | undefined;
}

/** From the end, where subjects differ. */
function slotOf(subject: string): number {
  let hash = subject.length;
  for (let i = subject.length - 1, from = Math.max(0, i - 7); i >= from; i--) {
    hash = (Math.imul(hash, 31) + subject.charCodeAt(i)) | 0;
  }
  return (hash ^ (hash >>> 12)) & (SEEN_ONCE - 1);
}

function hasEmptyToken(subject: string): boolean {
  let afterDot = true;
  for (let i = 0; i < subject.length; i++) {
    const isDot = subject.charCodeAt(i) === DOT;
    if (isDot && afterDot) return true;
    afterDot = isDot;
  }
  return afterDot;
}

/** Takes what matches below `node`, for the tokens from `at` on. Only as many tokens as there are patterns become strings. */
function collect(node: Node, subject: string, at: number, found: Found): void {
  if (at > subject.length) {
    take(node, found);
    return;
  }
  if (node.tail !== undefined) take(node.tail, found);
  const { any, literals } = node;
  if (any === undefined && literals.size === 0) return;
  const dot = subject.indexOf('.', at);
  const end = dot === -1 ? subject.length : dot;
  if (any !== undefined) collect(any, subject, end + 1, found);
  if (literals.size === 0) return;
  const literal = literals.get(subject.slice(at, end));
  if (literal !== undefined) collect(literal, subject, end + 1, found);
}

function take(node: Node, found: Found): void {
  if (node.plain.length > 0) found.plain.push(node.plain);
  if (node.queues.size === 0) return;
  for (const [queue, members] of node.queues) {
    found.groups ??= new Map();
    const group = found.groups.get(queue);
    if (group === undefined) found.groups.set(queue, [members]);
    else group.push(members);
  }
}
