/** A stream that nobody consumes. */
import type { StreamConsumers } from './consumer-stream.ts';

export const NO_CONSUMERS: StreamConsumers = {
  count: 0,
  status: () => [],
  appended() {},
  removed() {},
  purged() {},
  needs: () => false,
  interested: () => false,
  configured() {},
  streamDeleted() {},
};
