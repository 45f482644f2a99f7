/** Pull requests that wait for messages, in the order in which they are served: one message each, in turn. */
import type { PullRequest } from './pull-request.ts';

export class WaitingQueue {
  readonly #capacity: number;
  #requests: PullRequest[] = [];
  #earliest = Number.POSITIVE_INFINITY;
  #noWait = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#requests.length;
  }

  get isFull(): boolean {
    return this.#requests.length >= this.#capacity;
  }

  /** Not later than the next expiry or heartbeat. */
  get earliest(): number {
    return this.#requests.length === 0 ? Number.POSITIVE_INFINITY : this.#earliest;
  }

  /** Whether one of them wants only what is there. */
  get hasNoWait(): boolean {
    return this.#noWait > 0;
  }

  /** Messages that all of them want together. */
  get wanted(): number {
    return this.#requests.reduce((sum, request) => sum + request.remaining, 0);
  }

  get first(): PullRequest | undefined {
    return this.#requests[0];
  }

  add(request: PullRequest): void {
    this.#requests.push(request);
    this.#noWait += request.noWait ? 1 : 0;
    this.#earliest = Math.min(this.#earliest, request.expiresAt, request.heartbeatAt);
  }

  removeFirst(): void {
    const first = this.#requests.shift();
    if (first?.noWait) this.#noWait--;
  }

  /** The first one has had its turn. */
  rotate(): void {
    if (this.#requests.length > 1) this.#requests.push(this.#requests.shift()!);
  }

  /** Keeps those for which `keep` says so, and learns the next expiry and heartbeat anew. */
  sift(keep: (request: PullRequest) => boolean): void {
    this.#requests = this.#requests.filter(keep);
    this.#noWait = 0;
    this.#earliest = Number.POSITIVE_INFINITY;
    for (const request of this.#requests) {
      this.#noWait += request.noWait ? 1 : 0;
      this.#earliest = Math.min(this.#earliest, request.expiresAt, request.heartbeatAt);
    }
  }
}
