/** What the tools of operators need of messaging. Light on purpose: a command loads this, and not the whole platform. */
export { connectBroker } from '../../discovery/broker-connection.ts';
export { type DeadLetterReason, header as messageHeader, Topology } from '../topology.ts';
