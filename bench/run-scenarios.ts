/** Plays scenarios, each several times, and judges what was measured against what must hold. */
import { type JudgedRow, judge, type Measurement } from './bar.ts';
import type { Scenario } from './scenario.ts';

export interface ScenariosOptions {
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly talk: (line: string) => void;
}

export async function runScenarios(
  scenarios: readonly Scenario[],
  { only, rounds, seconds, talk }: ScenariosOptions,
): Promise<JudgedRow[]> {
  const chosen = scenarios.filter(({ name }) => only.length === 0 || only.includes(name));
  const measured: Measurement[] = [];
  for (const { name: scenario, story, run } of chosen) {
    talk(`${scenario}: ${story}`);
    for (let round = 1; round <= rounds; round++) {
      talk(`  round ${round} of ${rounds}`);
      for (const one of await run({ seconds, talk })) measured.push({ scenario, ...one });
    }
  }
  return judge(measured);
}
