/** W3C trace context (`traceparent`, `tracestate`) and W3C baggage, in and out of the headers of a library. */
import {
  type Baggage,
  baggageEntryMetadataFromString,
  type Context,
  createTraceState,
  isSpanContextValid,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { formatTraceparent, parseTraceparent, spanIdOf, traceIdOf } from '../trace-context.ts';
import { toTraceContext } from './span-adapter.ts';

/** W3C Baggage §3.3: what a receiver has to be able to take; more is not sent. */
const BAGGAGE_MEMBERS = 64;
const BAGGAGE_BYTES = 8192;

export class W3CPropagator implements TextMapPropagator<unknown> {
  inject(context: Context, carrier: unknown, setter: TextMapSetter<unknown>): void {
    const span = trace.getSpanContext(context);
    const known = span && isSpanContextValid(span) ? toTraceContext(span) : undefined;
    if (known) {
      setter.set(carrier, 'traceparent', formatTraceparent(known));
      const state = span?.traceState?.serialize();
      if (state) setter.set(carrier, 'tracestate', state);
    }
    const baggage = formatBaggage(propagation.getBaggage(context));
    if (baggage) setter.set(carrier, 'baggage', baggage);
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter<unknown>): Context {
    const baggage = parseBaggage(joined(getter.get(carrier, 'baggage')));
    const extended = baggage ? propagation.setBaggage(context, baggage) : context;
    const found = getter.get(carrier, 'traceparent');
    const known = parseTraceparent(
      typeof found === 'string' ? found : found?.length === 1 ? found[0] : undefined,
    );
    if (known === undefined) return extended;
    const state = joined(getter.get(carrier, 'tracestate'));
    return trace.setSpanContext(extended, {
      ...{ traceId: traceIdOf(known), spanId: spanIdOf(known), traceFlags: known.flags, isRemote: true },
      ...(state && { traceState: createTraceState(state) }),
    });
  }

  fields(): string[] {
    return ['traceparent', 'tracestate', 'baggage'];
  }
}

/** Both headers may be sent in several lines, which mean the same as one. */
function joined(found: string | string[] | undefined): string {
  return Array.isArray(found) ? found.join(',') : (found ?? '');
}

/** `key=value;metadata,…` with the value percent-encoded; what goes beyond the limits is left out. */
function formatBaggage(baggage: Baggage | undefined): string {
  let header = '';
  for (const [key, { value, metadata }] of baggage?.getAllEntries().slice(0, BAGGAGE_MEMBERS) ?? []) {
    const properties = metadata ? `;${metadata.toString()}` : '';
    const member = `${key}=${encodeURIComponent(value)}${properties}`;
    if (header.length + member.length < BAGGAGE_BYTES) header += header === '' ? member : `,${member}`;
  }
  return header;
}

function parseBaggage(header: string): Baggage | undefined {
  if (header === '') return undefined;
  let baggage = propagation.createBaggage();
  for (const member of header.split(',').slice(0, BAGGAGE_MEMBERS)) {
    const [pair = '', ...properties] = member.split(';');
    const equals = pair.indexOf('=');
    const key = pair.slice(0, equals).trim();
    const value = decoded(pair.slice(equals + 1).trim());
    if (equals < 0 || key === '' || value === undefined) continue;
    const metadata = properties.map((one) => one.trim()).join(';');
    baggage = baggage.setEntry(key, {
      value,
      ...(metadata && { metadata: baggageEntryMetadataFromString(metadata) }),
    });
  }
  return baggage;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
