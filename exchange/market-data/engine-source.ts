/** The engine's log as market updates. */
import type { LogEntry } from '@exchange/matching';
import type { MarketUpdate } from './market-update.ts';

/** The public part of an entry: trades and book changes, in order. */
export function updatesOf(entry: LogEntry): MarketUpdate[] {
  const updates: MarketUpdate[] = [];
  for (const event of entry.events) {
    if (event.kind === 'trade') {
      const { symbol, sequence, time, id, price, quantity, aggressor } = event;
      updates.push({ kind: 'trade', symbol, sequence, time, id, price, quantity, side: aggressor });
    } else if (event.kind === 'book') {
      const { symbol, sequence, time, changes } = event;
      updates.push({ kind: 'book', symbol, sequence, time, changes });
    }
  }
  return updates;
}
