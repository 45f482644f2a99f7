/** From the name of a way of balancing to the balancer. */
import type { Balancer } from './candidate.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { PowerOfTwo } from './power-of-two.ts';
import { RandomChoice } from './random.ts';
import { RoundRobin } from './round-robin.ts';

export type BalancerKind = 'peak-ewma' | 'round-robin' | 'random' | 'consistent-hash';

/** A balancer of its own for each service that is called: it may remember whose turn it is. */
export function createBalancer(kind: BalancerKind): Balancer {
  switch (kind) {
    case 'peak-ewma':
      return new PowerOfTwo();
    case 'round-robin':
      return new RoundRobin();
    case 'random':
      return new RandomChoice();
    case 'consistent-hash':
      return new ConsistentHash();
  }
}
