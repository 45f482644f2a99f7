/**
 * Rebuilding a state from commands: from nothing, or from a snapshot and the commands after it. Both give the same
 * state hash, and the same events, as the engine that took the commands live.
 */

import { type AnyResult, apply } from './apply.ts';
import type { Command } from './command.ts';
import type { EngineEvent } from './event.ts';
import type { Outcome } from './outcome.ts';
import { createState, type EngineState } from './state.ts';
import { LineHash } from './state-hash.ts';

export interface ReplayOptions {
  /** Where to start; it is changed. Default: an empty state. For a snapshot: `restore(snapshot)`. */
  readonly from?: EngineState;
  /** Called after each command. */
  readonly each?: (outcome: Outcome<AnyResult>, command: Command) => void;
}

export interface Replayed {
  readonly state: EngineState;
  /** Commands applied. */
  readonly commands: number;
  /** {@link EventHash} of all events. */
  readonly outputHash: string;
}

/** Applies commands that had an effect when they were first applied (those with events; the journal needs no others). */
export function replay(commands: Iterable<Command>, options: ReplayOptions = {}): Replayed {
  const state = options.from ?? createState();
  const output = new EventHash();
  let count = 0;
  for (const command of commands) {
    const outcome = apply(state, command);
    output.add(outcome.events);
    count += 1;
    options.each?.(outcome, command);
  }
  return { state, commands: count, outputHash: output.digest() };
}

/** Hash over events in order, independent of the order in which their properties were written. */
export class EventHash {
  readonly #lines = new LineHash();

  add(events: readonly EngineEvent[]): void {
    for (const event of events) this.#lines.line(canonical(event));
  }

  /** SHA-256 as hexadecimal; more events may follow. */
  digest(): string {
    return this.#lines.digest();
  }
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  entries.sort(([left], [right]) => (left < right ? -1 : 1));
  return entries.map(([key, field]) => [key, canonical(field)]);
}
