export type { Action, CancelAction, OwnOrder, Participant, Side, SubmitAction, View } from './action.ts';
export { clientOrderIds, isOfEpoch } from './client-order-ids.ts';
export { type CrowdMarket, type CrowdOptions, type CrowdSymbol, createCrowd, leastAnchor } from './crowd.ts';
export { MarketMaker, type MarketMakerOptions } from './market-maker.ts';
export { MomentumTrader, type MomentumTraderOptions } from './momentum-trader.ts';
export { NoiseTrader, type NoiseTraderOptions } from './noise-trader.ts';
export { type OpenOrder, type OrderReport, OwnOrders } from './own-orders.ts';
export { Random } from './random.ts';
export { ReferencePrice, type ReferencePriceOptions } from './reference-price.ts';
