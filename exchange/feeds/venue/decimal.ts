/**
 * Exact decimals as scaled integers: `"61685.99000000"` at two decimals is 6168599 ticks. Nothing passes through
 * a float on the way, so that two builds of the same book agree to the last digit.
 */

/** A text that is not a plain decimal, or does not fit the scale it is read with. */
export class DecimalError extends Error {
  override readonly name = 'DecimalError';
}

const ZERO = 48;
const NINE = 57;
const POINT = 46;

/**
 * Reads a non-negative decimal text as an integer number of 10^-decimals units.
 *
 * Digits beyond `decimals` must be zero: rounding a venue's number would make the rebuilt book differ from the
 * venue's. Throws {@link DecimalError} for anything else than digits with at most one inner point, for a digit that
 * would be lost, and for a value past `Number.MAX_SAFE_INTEGER`.
 *
 * Called twice per level of every update, hence a loop over character codes and not a regular expression.
 */
export function parseScaled(text: string, decimals: number): number {
  let value = 0;
  let point = -1;
  let kept = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === POINT && point < 0 && index > 0 && index < text.length - 1) {
      point = index;
      continue;
    }
    if (code < ZERO || code > NINE) throw new DecimalError(`"${excerpt(text)}" is not a decimal number`);
    if (point >= 0 && kept === decimals) {
      if (code !== ZERO) {
        throw new DecimalError(`"${excerpt(text)}" has more than ${decimals} decimals`);
      }
      continue;
    }
    if (point >= 0) kept++;
    value = value * 10 + (code - ZERO);
    if (value > Number.MAX_SAFE_INTEGER) throw new DecimalError(`"${excerpt(text)}" is too large`);
  }
  if (text.length === 0) throw new DecimalError('an empty text is not a decimal number');
  for (; kept < decimals; kept++) value *= 10;
  if (value > Number.MAX_SAFE_INTEGER) throw new DecimalError(`"${excerpt(text)}" is too large`);
  return value;
}

function excerpt(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
