/**
 * The suite `survival`: breaks parts of a fleet of real processes under load and measures, from outside, what callers
 * notice of it, against what must hold.
 */
import type { Scenario } from '../scenario.ts';
import { brokerAway } from './scenarios/broker-away.ts';
import { killedReplica } from './scenarios/killed-replica.ts';
import { passingFaults } from './scenarios/passing-faults.ts';
import { pausedReplica } from './scenarios/paused-replica.ts';
import { restartOfTheOnly, rollingRestart } from './scenarios/restart.ts';
import { sickDependency } from './scenarios/sick-dependency.ts';

export const survival: readonly Scenario[] = [
  killedReplica,
  pausedReplica,
  sickDependency,
  passingFaults,
  brokerAway,
  rollingRestart,
  restartOfTheOnly,
];
