export { fleet } from './config/fleet.ts';
export { FleetConfigError, type Problem } from './config/problem.ts';
export type { Environment, Fleet, FleetConfig } from './config/schema.ts';
export { Failure, type FailureCode } from './failure.ts';
