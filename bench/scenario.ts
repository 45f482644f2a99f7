/** One way in which part of a fleet fails, and what callers may notice of it. */
import type { Measurement } from './bar.ts';

export interface ScenarioOptions {
  /** Length of one phase: before, during, after. */
  readonly seconds: number;
  readonly talk: (line: string) => void;
}

export type Measured = Omit<Measurement, 'scenario'>;

export interface Scenario {
  readonly name: string;
  /** What is done to whom, in one sentence. */
  readonly story: string;
  run(options: ScenarioOptions): Promise<Measured[]>;
}

export function now(): number {
  return performance.timeOrigin + performance.now();
}
