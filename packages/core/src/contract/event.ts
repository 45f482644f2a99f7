/** Events of a contract: what a service says has happened. */
import type { FieldsOf, OutputOf, Schema } from './schema.ts';

export interface EventSpec<P extends Schema = Schema> {
  readonly summary?: string;
  readonly payload: P;
  /** The payload field by which order is kept: events with the same value are handled in order. */
  readonly key?: FieldsOf<OutputOf<P>>;
}

export interface Event<P extends Schema = Schema> {
  readonly kind: 'event';
  readonly payload: P;
  readonly spec: { readonly summary?: string; readonly key?: string };
}

export function event<P extends Schema>(spec: EventSpec<P>): Event<P> {
  return { kind: 'event', payload: spec.payload, spec };
}
