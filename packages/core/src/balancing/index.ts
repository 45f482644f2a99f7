export type { Balancer, Candidate, ChoiceRequest } from './candidate.ts';
export { type BalancerKind, createBalancer } from './create-balancer.ts';
export { PeakEwma } from './peak-ewma.ts';
export { preferZone } from './prefer-zone.ts';
