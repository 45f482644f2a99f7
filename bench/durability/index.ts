export { DurableBroker, type DurableBrokerOptions, type Ending } from './durable-broker.ts';
export { Ledger, type LoadOptions, PublishingLoad } from './publishing-load.ts';
export {
  type KillOutcome,
  killRounds,
  type Outcome,
  type PowerCutOptions,
  powerCutRounds,
  type RoundsOptions,
} from './rounds.ts';
export { seededRandom } from './seeded-random.ts';
export { compare, type Verdict } from './stored-messages.ts';
