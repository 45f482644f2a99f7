/** What the tools of operators need of messaging. Light on purpose: a command loads this, and not the whole platform. */
export { connectBroker } from '../../discovery/broker-connection.ts';
export { type DeadLetterReason, header as messageHeader, Topology } from '../topology.ts';
export type { DeadLetter, DeadLetterFilter } from './dead-letter.ts';
export type { GroupMember, GroupReport, PartitionReport, WorkConsumer } from './group-report.ts';
export type { GroupFilter } from './group-reports.ts';
export { MessageOperations } from './message-operations.ts';
export type { RedriveOptions, RedriveReport } from './redrive.ts';
export type { ReplayOptions, ReplayReport, ReplaySelection } from './replay.ts';
