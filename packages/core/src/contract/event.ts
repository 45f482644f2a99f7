/** Events of a contract: what a service says has happened. */
import type { OutputOf, Schema } from './schema.ts';

export interface EventSpec<P extends Schema = Schema> {
  readonly summary?: string;
  readonly payload: P;
  /** The payload field by which order is kept: events with the same value are handled in order. */
  readonly key?: Extract<keyof OutputOf<P>, string>;
}

export interface Event<P extends Schema = Schema> {
  readonly kind: 'event';
  readonly payload: P;
  readonly spec: EventSpec<P>;
}

export function event<P extends Schema>(spec: EventSpec<P>): Event<P> {
  return { kind: 'event', payload: spec.payload, spec };
}
