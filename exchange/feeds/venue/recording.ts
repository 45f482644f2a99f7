/**
 * Reads a recording message by message: the rim between a file of uncertain quality and everything behind it, which
 * may trust what it gets.
 */

import { MessageFault, parseLine, type Scale, type VenueMessage } from './message.ts';
import { RecordingError } from './recording-error.ts';
import { recordedLines } from './recording-lines.ts';

export interface RecordingOptions {
  /**
   * Decimals of a tick. Default 2, which is BTCUSDT's. A price with more significant decimals is a fault, so that a
   * wrong setting is noticed and not rounded away.
   */
  readonly priceDecimals?: number;
  /**
   * Decimals of a lot. Default 8, what Binance writes. The lot size of an instrument is not enough: a book holds
   * orders from before a change of the lot size (BTCUSDT: steps of 0.00001, yet levels of 191.389006).
   */
  readonly quantityDecimals?: number;
  /** Ends the reading early and without an error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The messages of a recording in the order in which they were received. Holds one chunk of the file and one message
 * at a time. Throws {@link RecordingError} at the first thing that is wrong; what was yielded before it was sound.
 */
export async function* readRecording(
  file: string,
  options: RecordingOptions = {},
): AsyncGenerator<VenueMessage, void> {
  const scale: Scale = {
    priceDecimals: options.priceDecimals ?? 2,
    quantityDecimals: options.quantityDecimals ?? 8,
  };
  let symbol: string | undefined;
  let before = 0n;
  for await (const { number, text } of recordedLines(file, options.signal)) {
    const parsed = parse(file, number, text, scale);
    const { message } = parsed;
    if (message.receivedNs < before) {
      const detail = `received at ${message.receivedNs}, which is before the line above (${before})`;
      throw new RecordingError(file, number, 'bad_time', detail);
    }
    before = message.receivedNs;
    symbol ??= parsed.symbol;
    if (parsed.symbol !== undefined && parsed.symbol !== symbol) {
      const detail = `a message of ${parsed.symbol} in a recording of ${symbol}`;
      throw new RecordingError(file, number, 'absurd_value', detail);
    }
    yield message;
  }
}

function parse(file: string, number: number, text: string, scale: Scale) {
  try {
    return parseLine(text, number, scale);
  } catch (error) {
    if (error instanceof MessageFault) {
      throw new RecordingError(file, number, error.fault, error.message, error.cause);
    }
    throw error;
  }
}
