/**
 * The calls of one operation that wait for an answer, in the order in which they were sent: the first are the oldest. A
 * linked list through the calls themselves, so that adding and removing one costs nothing.
 */
import type { OutgoingCall } from './outgoing-call.ts';

export class CallList implements Iterable<OutgoingCall> {
  #first: OutgoingCall | undefined;
  #last: OutgoingCall | undefined;
  size = 0;

  append(call: OutgoingCall): void {
    call.previous = this.#last;
    call.next = undefined;
    if (this.#last) this.#last.next = call;
    else this.#first = call;
    this.#last = call;
    this.size++;
  }

  remove(call: OutgoingCall): void {
    if (call.previous) call.previous.next = call.next;
    else this.#first = call.next;
    if (call.next) call.next.previous = call.previous;
    else this.#last = call.previous;
    call.previous = undefined;
    call.next = undefined;
    this.size--;
  }

  /** The oldest first. The call at hand may be removed meanwhile. */
  *[Symbol.iterator](): Iterator<OutgoingCall> {
    let call = this.#first;
    while (call) {
      const { next } = call;
      yield call;
      call = next;
    }
  }
}
