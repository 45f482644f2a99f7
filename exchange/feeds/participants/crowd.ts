/**
 * The default population of a simulated exchange: for each symbol a reference price, a market maker, a noise trader and
 * a momentum trader, all drawn from one seed, sharing a rate of actions so that the first symbols are the busiest.
 */

import type { Participant } from './action.ts';
import { MarketMaker } from './market-maker.ts';
import { MomentumTrader } from './momentum-trader.ts';
import { NoiseTrader } from './noise-trader.ts';
import { Random } from './random.ts';
import { ReferencePrice } from './reference-price.ts';

/** With fewer ticks a price has no room to move in, and no grid of quotes fits around it. */
export const leastAnchor = 200;

export interface CrowdSymbol {
  readonly symbol: string;
  /** Price to begin at and to be drawn back to, in ticks; at least {@link leastAnchor}. */
  readonly anchor: number;
  /** A usual order, in lots. Default 20. */
  readonly size?: number;
}

export interface CrowdOptions {
  readonly symbols: readonly CrowdSymbol[];
  readonly seed: string;
  /** Letters and digits that differ at each start of the process; only client order ids depend on it. */
  readonly epoch: string;
  /** Of all participants together, on average over a minute or so. Default 20. */
  readonly actionsPerSecond?: number;
}

export interface CrowdMarket {
  readonly symbol: string;
  readonly reference: ReferencePrice;
  /** The market maker is the first: it has to act before anybody can take. */
  readonly participants: readonly Participant[];
}

/** A distance that matters in percent matters in any currency: one level is 1/10,000 of the price. */
const SPACING_PART = 10_000;
/** Of a maximal pace: a market maker acts when trades and moves give it a reason, and must not fall behind them. */
const MAKER_LEAST = 5;
const NOISE_SHARE = 0.7;
/** Of a maximal pace, too: the momentum trader acts in runs, and rests most of the time. */
const MOMENTUM_SHARE = 0.12;

export function createCrowd({ symbols, seed, epoch, actionsPerSecond = 20 }: CrowdOptions): CrowdMarket[] {
  const weights = symbols.map((_, index) => 1 / Math.sqrt(index + 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return symbols.map(({ symbol, anchor, size = 20 }, index) => {
    if (!Number.isSafeInteger(anchor) || anchor < leastAnchor) {
      throw new RangeError(
        `${symbol} begins at ${anchor} ticks: give a whole number of at least ${leastAnchor}, or a finer tick`,
      );
    }
    const rate = (actionsPerSecond * weights[index]!) / sum;
    const spacing = Math.max(2, Math.round(anchor / SPACING_PART));
    const person = (role: string) => {
      const name = `${role}-${symbol}`;
      return { name, symbol, epoch, random: new Random(`${seed}/${name}`) };
    };
    return {
      symbol,
      reference: new ReferencePrice({ anchor, random: new Random(`${seed}/reference-${symbol}`) }),
      participants: [
        new MarketMaker({ ...person('maker'), spacing, size, actionsPerSecond: Math.max(MAKER_LEAST, rate) }),
        new NoiseTrader({ ...person('noise'), spacing, size, actionsPerSecond: rate * NOISE_SHARE }),
        new MomentumTrader({
          ...person('momentum'),
          size,
          threshold: 2 * spacing,
          pauseMs: Math.round(1_000 / (rate * MOMENTUM_SHARE)),
        }),
      ],
    };
  });
}
