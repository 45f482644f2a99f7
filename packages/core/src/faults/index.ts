export {
  DEFAULT_FAULT_MS,
  type EdgeTarget,
  type Fault,
  type FaultEffect,
  type FaultKind,
  type FaultTarget,
  faultSchema,
  isEdge,
  MAX_FAULT_MS,
  misfit,
  type ServiceTarget,
} from './fault.ts';
export { FaultBook, type FaultChange, hitsEdge, hitsOperation, hitsProcess } from './fault-book.ts';
export { FaultInjector, type FaultInjectorOptions, type FaultSite } from './fault-injector.ts';
export {
  formatDuration,
  formatFaultEffect,
  formatFaultTarget,
  parseFaultEffect,
  parseFaultTarget,
  parseFaultTime,
} from './fault-text.ts';
export { faultyTransport } from './faulty-transport.ts';
export { hitsCalls, type Injection, injectedError, planInjection } from './injection.ts';
export { LatencyGate } from './latency-gate.ts';
