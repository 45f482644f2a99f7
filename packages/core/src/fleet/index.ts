export { contractOperation } from './contract-check.ts';
export { type Explanation, FleetMember, joinFleet, type MemberOptions } from './member.ts';
export type {
  InstanceReport,
  OperationReport,
  ResilienceReport,
  ServiceReport,
} from './resilience-report.ts';
export { deriveKey, deriveToken, readSecret, type SecretPurpose, sameToken } from './secret.ts';
