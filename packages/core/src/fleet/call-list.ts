/**
 * The calls of one operation that wait for an answer, in the order in which they were sent: the first are the oldest. A
 * linked list through the calls themselves, so that adding and removing one costs nothing.
 */
import type { Endpoint } from './endpoint.ts';

export interface ListedCall {
  previous: ListedCall | undefined;
  next: ListedCall | undefined;
  /** When its latest request was sent, in milliseconds of `performance.now()`. */
  readonly sentAt: number;
  readonly isCountedSlow: boolean;
  /** It takes longer than is usual, and has not ended. */
  countSlow(now: number): void;
  /** An instance has stopped answering at all. */
  endpointStalled(endpoint: Endpoint): void;
}

export class CallList implements Iterable<ListedCall> {
  #first: ListedCall | undefined;
  #last: ListedCall | undefined;
  size = 0;

  append(call: ListedCall): void {
    call.previous = this.#last;
    call.next = undefined;
    if (this.#last) this.#last.next = call;
    else this.#first = call;
    this.#last = call;
    this.size++;
  }

  remove(call: ListedCall): void {
    if (call.previous) call.previous.next = call.next;
    else this.#first = call.next;
    if (call.next) call.next.previous = call.previous;
    else this.#last = call.previous;
    call.previous = undefined;
    call.next = undefined;
    this.size--;
  }

  /** The oldest first. The call at hand may be removed meanwhile. */
  *[Symbol.iterator](): Iterator<ListedCall> {
    let call = this.#first;
    while (call) {
      const { next } = call;
      yield call;
      call = next;
    }
  }
}
