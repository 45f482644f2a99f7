/**
 * OTLP as JSON: proto3's JSON mapping with the exceptions of the OTLP specification. Ids are hexadecimal, enumerations
 * are numbers, 64-bit integers are decimal strings, what is not a number is a string.
 */
import type { Distribution } from '../distribution.ts';
import type { Family, Point } from '../family.ts';
import {
  type Attributes,
  type AttributeValue,
  type EventRecord,
  type LinkRecord,
  type SpanRecord,
  spanKinds,
  spanStatuses,
} from '../span-record.ts';
import {
  CUMULATIVE,
  type Encoding,
  type MetricTimes,
  scopeName,
  spanFlags,
  ucumUnit,
  unixNano,
} from './encoding.ts';

export const jsonEncoding: Encoding = {
  contentType: 'application/json',

  spans(resource) {
    const spans: string[] = [];
    return {
      add: (record) => void spans.push(JSON.stringify(span(record))),
      finish: () =>
        Buffer.from(
          `{"resourceSpans":[{"resource":${JSON.stringify({ attributes: keyValues(resource) })},"scopeSpans":[{"scope":{"name":"${scopeName}"},"spans":[${spans.join(',')}]}]}]}`,
        ),
    };
  },

  metrics(resource, families, times) {
    let points = 0;
    const metrics = [];
    for (const family of families) {
      const data = [...family.points()];
      if (data.length > 0) metrics.push(metric(family, data, times));
      points += data.length;
    }
    if (points === 0) return undefined;
    const scopeMetrics = [{ scope: { name: scopeName }, metrics }];
    const message = {
      resourceMetrics: [{ resource: { attributes: keyValues(resource) }, scopeMetrics }],
    };
    return { body: Buffer.from(JSON.stringify(message)), points };
  },

  partialSuccess(body) {
    const { partialSuccess } = JSON.parse(body.toString() || '{}') as {
      partialSuccess?: {
        rejectedSpans?: string | number;
        rejectedDataPoints?: string | number;
        errorMessage?: string;
      };
    };
    if (!partialSuccess) return undefined;
    const { rejectedSpans, rejectedDataPoints, errorMessage = '' } = partialSuccess;
    return { rejected: Number(rejectedSpans ?? rejectedDataPoints ?? 0), message: errorMessage };
  },
};

function span(record: SpanRecord): object {
  const { traceId, spanId, parentSpanId, name, kind, startMs, durationMs, status, message, dropped } = record;
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    flags: spanFlags(record),
    name,
    kind: spanKinds.indexOf(kind) + 1,
    startTimeUnixNano: unixNano(startMs),
    endTimeUnixNano: unixNano(startMs + durationMs),
    attributes: keyValues(record.attributes),
    ...(dropped !== undefined && { droppedAttributesCount: dropped }),
    events: record.events.map(event),
    links: record.links.map(link),
    status: { code: spanStatuses.indexOf(status), ...(message !== undefined && { message }) },
  };
}

function event({ name, timeMs, attributes }: EventRecord): object {
  return { timeUnixNano: unixNano(timeMs), name, attributes: keyValues(attributes) };
}

function link({ traceId, spanId, attributes }: LinkRecord): object {
  return { traceId, spanId, attributes: keyValues(attributes) };
}

function metric({ name, help, type, unit }: Family, points: readonly Point[], times: MetricTimes): object {
  const dataPoints = points.map(({ labels, value }) => ({
    attributes: keyValues(labels),
    startTimeUnixNano: unixNano(times.startMs),
    timeUnixNano: unixNano(times.nowMs),
    ...(typeof value === 'number' ? { asDouble: double(value) } : exponential(value.read())),
  }));
  const about = { name, description: help, unit: ucumUnit(unit) };
  if (type === 'gauge') return { ...about, gauge: { dataPoints } };
  const aggregationTemporality = CUMULATIVE;
  if (type === 'counter') return { ...about, sum: { dataPoints, aggregationTemporality, isMonotonic: true } };
  return { ...about, exponentialHistogram: { dataPoints, aggregationTemporality } };
}

function exponential({ count, sum, min, max, zeroCount, scale, offset, counts }: Distribution): object {
  return {
    count: String(count),
    sum: double(sum),
    scale,
    zeroCount: String(zeroCount),
    positive: { offset, bucketCounts: counts.map(String) },
    ...(count > 0 && { min, max }),
  };
}

function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: double(value) };
}

function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
