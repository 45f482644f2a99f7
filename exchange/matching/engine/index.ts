export { type AnyResult, apply } from './apply.ts';
export type {
  AbandonCommand,
  CancelCommand,
  Command,
  ListCommand,
  MarketStatus,
  NewOrder,
  OrderType,
  Side,
  StatusCommand,
  SubmitCommand,
  TimeInForce,
} from './command.ts';
export { EngineError, type EngineErrorCode } from './engine-error.ts';
export type {
  AbandonedEvent,
  AcceptedEvent,
  BookEvent,
  CancelledEvent,
  CancelReason,
  EngineEvent,
  FilledEvent,
  LevelChange,
  ListedEvent,
  MarketDataEvent,
  OrderEvent,
  RejectedEvent,
  RejectReason,
  StatusEvent,
  TradeEvent,
} from './event.ts';
export { check } from './invariants.ts';
export type {
  AbandonResult,
  CancelResult,
  KnownOrders,
  ListResult,
  OrderState,
  Outcome,
  StatusResult,
  SubmitResult,
} from './outcome.ts';
export { EventHash, type Replayed, type ReplayOptions, replay } from './replay.ts';
export {
  type LevelSnapshot,
  type MarketSnapshot,
  type OrderSnapshot,
  restore,
  type Snapshot,
  snapshot,
} from './snapshot.ts';
export { createState, type EngineOptions, type EngineState } from './state.ts';
export { stateHash } from './state-hash.ts';
export {
  type Depth,
  type DepthLevel,
  depth,
  type MarketView,
  market,
  markets,
  openOrders,
  order,
} from './views.ts';
