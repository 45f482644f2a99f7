/** Which new orders are refused before they reach the book. */

import type { NewOrder } from './command.ts';
import type { RejectReason } from './event.ts';
import type { Market } from './state.ts';

/** The first rule that the order breaks, or undefined. A poison order ends here: nothing after it checks numbers again. */
export function refusal(market: Market | undefined, order: NewOrder): RejectReason | undefined {
  if (market === undefined) return 'unknown_symbol';
  if (market.status === 'halted') return 'market_halted';
  if (market.status === 'closed') return 'market_closed';
  if (!wellFormed(order)) return 'invalid_order';
  if (!isCount(order.quantity)) return 'invalid_quantity';
  if (order.type === 'limit') {
    if (!isCount(order.price)) return 'invalid_price';
  } else if (order.protection !== undefined && !isCount(order.protection)) {
    return 'invalid_price';
  }
  return undefined;
}

function wellFormed(order: NewOrder): boolean {
  return (
    order.id !== '' &&
    order.account !== '' &&
    (order.side === 'buy' || order.side === 'sell') &&
    (order.type === 'limit' || order.type === 'market') &&
    (order.timeInForce === 'gtc' || order.timeInForce === 'ioc')
  );
}

function isCount(value: number | undefined): boolean {
  return Number.isSafeInteger(value) && value! >= 1;
}
