export { type BrokerConnectionOptions, connectBroker } from './broker-connection.ts';
export { Discovery } from './discovery.ts';
export { Goodbye, Instance } from './instance.ts';
export { InstanceTable, type TableChange, timeToLiveMs } from './instance-table.ts';
export { answerMicro, type EndpointStats, type MicroOptions } from './micro.ts';
