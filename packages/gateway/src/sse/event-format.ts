/**
 * Stream items as Server-Sent Events (WHATWG HTML §9.2). An item is one JSON value; its bytes are the event's data as
 * they came from the service. Where the contract binds item fields to the event's name or id, the item is read for them.
 */
import type { SseBinding } from 'flotilla';

/** A comment: keeps the connection alive and means nothing to the client. */
export const heartbeat = ':\n\n';

/** Tells the client how long to wait before it reconnects, in milliseconds. */
export function reconnectAfter(ms: number): string {
  return `retry: ${ms}\n\n`;
}

export type EventFormatter = (item: Buffer) => string;

/** Compiles the form of a route's events. */
export function eventFormatter(binding: SseBinding | undefined): EventFormatter {
  const { event, id } = binding ?? {};
  if (event === undefined && id === undefined) return (item) => data(item.toString('utf8'));
  return (item) => {
    const text = item.toString('utf8');
    const value = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    const name = fieldText(value, event);
    const key = fieldText(value, id);
    return (
      (key === undefined ? '' : `id: ${key}\n`) + (name === undefined ? '' : `event: ${name}\n`) + data(text)
    );
  };
}

/** The event by which a stream says why it ends early: `data` is a problem detail. */
export function errorEvent(problem: object): string {
  return `event: error\n${data(JSON.stringify(problem))}`;
}

function data(text: string): string {
  // JSON may be laid out over lines; each needs its own field, and the client joins them with newlines again.
  if (!/[\r\n]/.test(text)) return `data: ${text}\n\n`;
  return `${text
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;
}

/** A string or number that fits on one line; anything else would break out of its field, or mean something else. */
function fieldText(
  value: Readonly<Record<string, unknown>> | null,
  field: string | undefined,
): string | undefined {
  if (field === undefined || typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) {
    return undefined;
  }
  const found = value[field];
  if (typeof found === 'number') return String(found);
  return typeof found === 'string' && !/[\r\n\0]/.test(found) ? found : undefined;
}
