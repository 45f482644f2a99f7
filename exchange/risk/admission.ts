/** From what a client sends to the integers of the engine: exact, or refused with the field at fault. */
import type { NewOrder } from '@exchange/matching';
import type { KnownInstrument } from '@exchange/reference/known-catalogue';
import { parseDecimal, priceToTicks, quantityToLots, UnitsError } from '@exchange/reference/units';
import { invalidArgument, type ValidationIssue } from 'flotilla';
import type { PlaceOrder } from './contract.ts';

/** What makes two requests under one client id the same order. */
export type OrderBody = Pick<NewOrder, 'symbol' | 'side' | 'type' | 'price' | 'quantity' | 'timeInForce'>;

/**
 * Reads a request.
 *
 * @throws FlotillaError `invalid_argument` with an issue for every field at fault.
 */
export function orderBody(input: PlaceOrder, known: KnownInstrument | undefined): OrderBody {
  const { symbol, side, type, timeInForce } = input;
  if (!known) throw invalidArgument([{ path: ['symbol'], message: `there is no market ${symbol}` }]);
  const { units } = known;
  const issues: ValidationIssue[] = [];
  const quantity = read(issues, 'quantity', () => quantityToLots(units, input.quantity));
  let price: number | undefined;
  if (type === 'limit') {
    if (input.price === undefined) issues.push({ path: ['price'], message: 'a limit order needs a price' });
    else price = read(issues, 'price', () => priceToTicks(units, input.price!));
  } else if (input.price !== undefined) {
    issues.push({ path: ['price'], message: 'a market order has no price: leave it out' });
  }
  if (issues.length > 0) throw invalidArgument(issues);
  const body = { symbol, side, type, quantity: quantity!, timeInForce };
  return price === undefined ? body : { ...body, price };
}

/** Whether a repeated request asks for the order that was placed; how a number was written does not matter. */
export function isSameBody(body: OrderBody, placed: OrderBody): boolean {
  return (
    body.symbol === placed.symbol &&
    body.side === placed.side &&
    body.type === placed.type &&
    body.price === placed.price &&
    body.quantity === placed.quantity &&
    body.timeInForce === placed.timeInForce
  );
}

/**
 * The worst price at which a market order may trade, in ticks: 10 % from the last trade (before the first: from the
 * instrument's reference price), rounded towards it.
 */
export function protectionPrice(
  { side }: Pick<OrderBody, 'side'>,
  { instrument, units }: KnownInstrument,
  lastPrice: number | undefined,
): number {
  const from = lastPrice === undefined ? referenceTicks(instrument.referencePrice, units) : BigInt(lastPrice);
  const worst = side === 'buy' ? (from * 11n) / 10n : (from * 9n + 9n) / 10n;
  return Number(worst < 1n ? 1n : worst);
}

/** The reference price need not be a multiple of the tick: rounded down. */
function referenceTicks(price: string, { priceDecimals, tick }: KnownInstrument['units']): bigint {
  const [whole = '0', fraction = ''] = price.split('.');
  const scaled = parseDecimal(
    `${whole}.${fraction.slice(0, priceDecimals).padEnd(1, '0')}`,
    Math.max(priceDecimals, 1),
  );
  return (priceDecimals === 0 ? scaled / 10n : scaled) / tick;
}

function read(issues: ValidationIssue[], field: string, convert: () => number): number | undefined {
  try {
    return convert();
  } catch (error) {
    if (!(error instanceof UnitsError)) throw error;
    issues.push({ path: [field], message: error.message });
    return undefined;
  }
}
