/**
 * Exact conversions between the decimal strings that people and APIs use and the integers that Exchange
 * computes with. Four integers exist, and each has one meaning everywhere:
 *
 * - ticks: a price, as a count of the instrument's tick size (safe integer)
 * - lots: a quantity, as a count of the instrument's lot size (safe integer)
 * - minor units: an amount of an asset, as a count of 10^-decimals of it (bigint; USD with 6 decimals: 1 USD = 1000000n)
 * - tick-lots: a sum of price × quantity, in ticks × lots (bigint)
 *
 * No float is ever involved. Text that cannot be converted exactly is refused, never rounded.
 */

/** Longest number accepted, in digits: what a DECIMAL(38) column holds. */
const MAX_DIGITS = 38;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
/** Extra decimals that an average price may have beyond those of the tick. */
const AVERAGE_DECIMALS = 8;
const DECIMAL = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

export type UnitsErrorCode =
  | 'not_a_decimal'
  | 'too_precise'
  | 'out_of_range'
  | 'not_a_multiple'
  | 'invalid_instrument';

/** A text or an instrument that has no exact integer form. The message says which rule it breaks and what would pass. */
export class UnitsError extends Error {
  override readonly name = 'UnitsError';
  readonly code: UnitsErrorCode;

  constructor(code: UnitsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The part of an instrument's definition that fixes its units. */
export interface InstrumentSizes {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  /** Smallest price step, in quote per base, e.g. '0.05'. */
  readonly tickSize: string;
  /** Smallest quantity step, in base, e.g. '0.0001' or '5'. */
  readonly lotSize: string;
}

/** An instrument's sizes as integers, computed once by {@link instrumentUnits}. */
export interface InstrumentUnits {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly baseDecimals: number;
  readonly quoteDecimals: number;
  /** Decimals of a price as text. */
  readonly priceDecimals: number;
  /** Decimals of a quantity as text. */
  readonly quantityDecimals: number;
  /** Tick size, counted in 10^-priceDecimals of the quote asset. */
  readonly tick: bigint;
  /** Lot size, counted in 10^-quantityDecimals of the base asset. */
  readonly lot: bigint;
  /** Minor units of the quote asset that one lot costs per tick of price. */
  readonly notionalPerTickLot: bigint;
  /** Minor units of the base asset in one lot. */
  readonly basePerLot: bigint;
}

/**
 * Reads a plain decimal number as a count of 10^-decimals.
 *
 * Accepts '1', '1.50' and '0.0001'; trailing zeros after the point never count as precision. Refuses a sign
 * (unless `signed`), '+', exponents, spaces, leading zeros, a bare point and anything above 38 digits.
 * @throws UnitsError `not_a_decimal`, `too_precise` (more significant decimals than `decimals`) or `out_of_range`
 */
export function parseDecimal(text: string, decimals: number, options: { signed?: boolean } = {}): bigint {
  const { negative, whole, fraction } = split(text, options.signed === true);
  if (fraction.length > decimals) {
    throw new UnitsError(
      'too_precise',
      `${quoted(text)} has ${fraction.length} decimals: at most ${decimals} are possible`,
    );
  }
  const value = BigInt(whole + fraction) * 10n ** BigInt(decimals - fraction.length);
  return negative ? -value : value;
}

/** Writes a count of 10^-decimals with exactly that many decimals: (6000010n, 2) → '60000.10'. */
export function formatFixed(value: bigint | number, decimals: number): string {
  const integer = BigInt(value);
  const digits = (integer < 0n ? -integer : integer).toString().padStart(decimals + 1, '0');
  const sign = integer < 0n ? '-' : '';
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** Writes a count of 10^-decimals without trailing zeros: (6000010n, 2) → '60000.1', (100n, 2) → '1'. */
export function formatTrimmed(value: bigint | number, decimals: number): string {
  const text = formatFixed(value, decimals);
  if (decimals === 0) return text;
  let end = text.length;
  while (text[end - 1] === '0') end -= 1;
  return text.slice(0, text[end - 1] === '.' ? end - 1 : end);
}

/**
 * Checks an instrument and computes its integer units. `assets` gives the decimals of each asset (USD: 6).
 * @throws UnitsError `invalid_instrument` when an asset is unknown, a size is not a positive decimal, one lot is not a
 *   whole number of base minor units, or one tick of one lot is not a whole number of quote minor units
 */
export function instrumentUnits(
  instrument: InstrumentSizes,
  assets: Readonly<Record<string, number>>,
): InstrumentUnits {
  const { symbol, base, quote } = instrument;
  const baseDecimals = assetDecimals(symbol, base, assets);
  const quoteDecimals = assetDecimals(symbol, quote, assets);
  const [tick, priceDecimals] = size(symbol, 'tickSize', instrument.tickSize);
  const [lot, quantityDecimals] = size(symbol, 'lotSize', instrument.lotSize);
  const basePerLot = scale(lot, baseDecimals - quantityDecimals);
  if (basePerLot === undefined) {
    throw new UnitsError(
      'invalid_instrument',
      `${symbol}: lotSize ${instrument.lotSize} is not a whole number of minor units of ${base} ` +
        `(${baseDecimals} decimals): use a lot size with at most ${baseDecimals} decimals`,
    );
  }
  const notionalPerTickLot = scale(tick * lot, quoteDecimals - priceDecimals - quantityDecimals);
  if (notionalPerTickLot === undefined) {
    throw new UnitsError(
      'invalid_instrument',
      `${symbol}: tickSize ${instrument.tickSize} × lotSize ${instrument.lotSize} is not a whole number of minor ` +
        `units of ${quote} (${quoteDecimals} decimals): use a coarser tick or lot size`,
    );
  }
  return {
    symbol,
    base,
    quote,
    baseDecimals,
    quoteDecimals,
    priceDecimals,
    quantityDecimals,
    tick,
    lot,
    notionalPerTickLot,
    basePerLot,
  };
}

/**
 * A price as ticks; at least one tick.
 * @throws UnitsError as {@link parseDecimal}, `not_a_multiple` of the tick size, or `out_of_range`
 */
export function priceToTicks(units: InstrumentUnits, price: string): number {
  return toCount(price, units.priceDecimals, units.tick, 'price', 'tick size');
}

/**
 * A quantity as lots; at least one lot.
 * @throws UnitsError as {@link parseDecimal}, `not_a_multiple` of the lot size, or `out_of_range`
 */
export function quantityToLots(units: InstrumentUnits, quantity: string): number {
  return toCount(quantity, units.quantityDecimals, units.lot, 'quantity', 'lot size');
}

/** Ticks as a price with the instrument's full number of decimals. */
export function ticksToPrice(units: InstrumentUnits, ticks: number): string {
  return formatFixed(BigInt(ticks) * units.tick, units.priceDecimals);
}

/** Lots as a quantity with the instrument's full number of decimals. */
export function lotsToQuantity(units: InstrumentUnits, lots: number): string {
  return formatFixed(BigInt(lots) * units.lot, units.quantityDecimals);
}

/** What `lots` cost at `ticks`, in minor units of the quote asset. Exact. */
export function notional(units: InstrumentUnits, ticks: number, lots: number): bigint {
  return BigInt(ticks) * BigInt(lots) * units.notionalPerTickLot;
}

/** A sum of tick-lots (price × quantity over several fills) in minor units of the quote asset. Exact. */
export function tickLotsToQuote(units: InstrumentUnits, tickLots: bigint): bigint {
  return tickLots * units.notionalPerTickLot;
}

/** Lots in minor units of the base asset. Exact. */
export function lotsToBase(units: InstrumentUnits, lots: number): bigint {
  return BigInt(lots) * units.basePerLot;
}

/**
 * The average price of fills that sum to `tickLots` over `lots`, rounded half up at eight decimals beyond those of a
 * price, without trailing zeros. Undefined when nothing was filled. For display: money is computed from tick-lots.
 */
export function averagePrice(units: InstrumentUnits, tickLots: bigint, lots: number): string | undefined {
  if (lots === 0) return undefined;
  const count = BigInt(lots);
  const scaled = tickLots * units.tick * 10n ** BigInt(AVERAGE_DECIMALS);
  return formatTrimmed((scaled * 2n + count) / (count * 2n), units.priceDecimals + AVERAGE_DECIMALS);
}

function split(text: string, signed: boolean): { negative: boolean; whole: string; fraction: string } {
  // Bounds the work before the pattern runs: 38 digits, a sign and a point.
  const match = text.length <= MAX_DIGITS + 2 ? DECIMAL.exec(text) : null;
  if (match === null) {
    if (text.length > MAX_DIGITS + 2) {
      throw new UnitsError(
        'out_of_range',
        `a number of ${text.length} characters: at most ${MAX_DIGITS} digits`,
      );
    }
    throw new UnitsError('not_a_decimal', `${quoted(text)} is not a plain decimal number such as 12 or 0.05`);
  }
  const [, sign = '', whole = '', written = ''] = match;
  if (whole.length + written.length > MAX_DIGITS) {
    throw new UnitsError('out_of_range', `${quoted(text)} has more than ${MAX_DIGITS} digits`);
  }
  if (sign !== '' && !signed) {
    throw new UnitsError('not_a_decimal', `${quoted(text)} has a sign: only numbers from 0 up are possible`);
  }
  let end = written.length;
  while (end > 0 && written[end - 1] === '0') end -= 1;
  return { negative: sign !== '', whole, fraction: written.slice(0, end) };
}

function toCount(text: string, decimals: number, step: bigint, what: string, stepName: string): number {
  const value = parseDecimal(text, decimals);
  const count = value / step;
  if (count * step !== value) {
    throw new UnitsError(
      'not_a_multiple',
      `${what} ${text} is not a multiple of the ${stepName} ${formatTrimmed(step, decimals)}`,
    );
  }
  if (count < 1n || count > MAX_SAFE) {
    throw new UnitsError(
      'out_of_range',
      `${what} ${text} is out of range: from ${formatTrimmed(step, decimals)} to ${formatTrimmed(step * MAX_SAFE, decimals)}`,
    );
  }
  return Number(count);
}

function assetDecimals(symbol: string, asset: string, assets: Readonly<Record<string, number>>): number {
  const decimals = Object.hasOwn(assets, asset) ? assets[asset] : undefined;
  if (decimals === undefined) {
    throw new UnitsError(
      'invalid_instrument',
      `${symbol}: asset ${quoted(asset)} is unknown: define it first`,
    );
  }
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > 18) {
    throw new UnitsError('invalid_instrument', `${symbol}: ${asset} has ${decimals} decimals: use 0 to 18`);
  }
  return decimals;
}

function size(symbol: string, field: string, text: string): [bigint, number] {
  try {
    const { whole, fraction } = split(text, false);
    const value = BigInt(whole + fraction);
    if (value > 0n) return [value, fraction.length];
  } catch (error) {
    if (!(error instanceof UnitsError)) throw error;
    throw new UnitsError('invalid_instrument', `${symbol}: ${field}: ${error.message}`);
  }
  throw new UnitsError('invalid_instrument', `${symbol}: ${field} must be above 0`);
}

/** value × 10^exponent, or undefined when that is not whole. */
function scale(value: bigint, exponent: number): bigint | undefined {
  if (exponent >= 0) return value * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  return value % divisor === 0n ? value / divisor : undefined;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 50 ? `${text.slice(0, 50)}…` : text);
}
