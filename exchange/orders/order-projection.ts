/** The projection: what the engine's log says about orders, applied to the rows. */
import type { EngineEvent, LogEntry } from '@exchange/matching';
import { platformError } from 'flotilla';
import type { OrderRows } from './order-rows.ts';

/**
 * Applies the next entry. Inside a transaction.
 *
 * @throws FlotillaError when it does not fit to what is stored: the transaction must be undone.
 */
export function project({ events }: Pick<LogEntry, 'events'>, rows: OrderRows): void {
  for (const event of events) applyEvent(event, rows);
}

function applyEvent(event: EngineEvent, rows: OrderRows): void {
  switch (event.kind) {
    case 'accepted':
      rows.add(event.order, 'open', event.time);
      break;
    case 'rejected':
      rows.add(event.order, 'rejected', event.time);
      break;
    case 'filled':
      expectKnown(rows.fill(event), event.orderId, event.kind);
      break;
    case 'cancelled':
      expectKnown(rows.cancel(event.orderId), event.orderId, event.kind);
      break;
    default:
    // Markets, books and ids that never became an order are the business of others.
  }
}

function expectKnown(known: boolean, orderId: string, kind: string): void {
  if (known) return;
  throw platformError(
    'internal',
    `the log says that order ${orderId} was ${kind}, but never that it was accepted: rebuild this database by ` +
      'removing its file, it is derived from the log',
  );
}
