/** What was measured, and whether it is what must hold. */
import { median } from './statistics.ts';

export interface Measurement {
  readonly scenario: string;
  readonly what: string;
  readonly value: number;
  readonly unit: 'ms' | 'calls' | 'instances' | '×' | '%' | 'MiB' | 'handles' | 'faults' | 'messages';
  /** What must hold; nothing for what is only told. */
  readonly most?: number;
  /**
   * Over several rounds the median counts, or the worst: `worst` is for what must never happen, `median` for times and
   * their ratios, which what else the machine does may spoil once.
   */
  readonly counts?: 'median' | 'worst';
}

export interface JudgedRow extends Measurement {
  readonly least: number;
  readonly worst: number;
  /** Undefined where nothing must hold. */
  readonly holds: boolean | undefined;
}

/** One row for each thing that was measured in every round, in the order of the first. */
export function judge(measurements: readonly Measurement[]): JudgedRow[] {
  const groups = new Map<string, Measurement[]>();
  for (const one of measurements) {
    const key = `${one.scenario}: ${one.what}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map(judgeOne);
}

function judgeOne(rounds: readonly Measurement[]): JudgedRow {
  const first = rounds[0]!;
  const values = rounds.map(({ value }) => value);
  // What could not be measured has not held.
  const worst = values.some(Number.isNaN) ? Number.NaN : Math.max(...values);
  const value = first.counts === 'worst' ? worst : median(values);
  return {
    ...first,
    value,
    least: Math.min(...values),
    worst,
    holds: first.most === undefined ? undefined : value <= first.most,
  };
}
