export { contractOperation, FleetMember, joinFleet, type MemberOptions } from './member.ts';
export { deriveKey, deriveToken, readSecret, type SecretPurpose, sameToken } from './secret.ts';
