export {
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from './log.ts';
export { Counter, Histogram, type Labels, latencyBounds, Metrics, processMetrics } from './metrics.ts';
