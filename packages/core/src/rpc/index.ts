export type {
  CallOptions,
  CallResult,
  CallWatcher,
  Channel,
  ChannelState,
  DialOptions,
  Dispatch,
  EndUser,
  ExecutionData,
  IncomingCall,
  ListenOptions,
  Peer,
  Reply,
  Transport,
  WireIdentity,
  WireServer,
} from './channel.ts';
export { type MemoryTransportOptions, memoryTransport } from './memory-transport.ts';
export { dial, listen, socketTransport } from './socket-transport.ts';
export { defaultLimits, type WireLimits } from './wire-limits.ts';
