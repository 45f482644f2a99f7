export type { BookTicker, DepthDiff, DepthSnapshot, Level, VenueMessage, VenueTrade } from './message.ts';
export { type RecordingOptions, readRecording } from './recording.ts';
export { RecordingError, type RecordingFault } from './recording-error.ts';
export {
  type BookEvent,
  type GapEvent,
  type MarketEvent,
  Replay,
  type ReplayClock,
  type ReplayOptions,
  type ReplayPosition,
  type SnapshotEvent,
  type TradeEvent,
} from './replay.ts';
export { systemClock } from './system-clock.ts';
export { type BookOutput, type BookStatus, VenueBook, type VenueBookOptions } from './venue-book.ts';
export { type Verification, verifyRecording } from './verification.ts';
