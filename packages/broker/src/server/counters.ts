/** Totals since the broker started. */
export interface Counters {
  inMessages: number;
  inBytes: number;
  outMessages: number;
  outBytes: number;
  totalConnections: number;
  slowConsumers: number;
  staleConnections: number;
  authFailures: number;
  protocolErrors: number;
}

export function createCounters(): Counters {
  return {
    inMessages: 0,
    inBytes: 0,
    outMessages: 0,
    outBytes: 0,
    totalConnections: 0,
    slowConsumers: 0,
    staleConnections: 0,
    authFailures: 0,
    protocolErrors: 0,
  };
}
