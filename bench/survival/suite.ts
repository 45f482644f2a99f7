/**
 * The suite `survival`: breaks parts of a fleet of real processes under load and measures, from outside, what callers
 * notice of it, against what must hold.
 */
import { judge, type Measurement, type SurvivalRow } from './bar.ts';
import type { Scenario } from './scenario.ts';
import { brokerAway } from './scenarios/broker-away.ts';
import { killedReplica } from './scenarios/killed-replica.ts';
import { passingFaults } from './scenarios/passing-faults.ts';
import { pausedReplica } from './scenarios/paused-replica.ts';
import { restartOfTheOnly, rollingRestart } from './scenarios/restart.ts';
import { sickDependency } from './scenarios/sick-dependency.ts';

export type { SurvivalRow };

export const scenarios: readonly Scenario[] = [
  killedReplica,
  pausedReplica,
  sickDependency,
  passingFaults,
  brokerAway,
  rollingRestart,
  restartOfTheOnly,
];

export interface SurvivalOptions {
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly talk: (line: string) => void;
}

export async function runSurvival({ only, rounds, seconds, talk }: SurvivalOptions): Promise<SurvivalRow[]> {
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
