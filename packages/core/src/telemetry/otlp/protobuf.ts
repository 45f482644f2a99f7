/**
 * OTLP as protobuf. The messages are few and stable, so they are written field by field, by the numbers of
 * opentelemetry-proto (`trace/v1`, `metrics/v1`, `common/v1`, `resource/v1`), without generated code.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Distribution } from '../distribution.ts';
import type { Family, Point } from '../family.ts';
import {
  type Attributes,
  type AttributeValue,
  type SpanRecord,
  spanKinds,
  spanStatuses,
} from '../span-record.ts';
import {
  CUMULATIVE,
  type Encoding,
  type MetricTimes,
  type PartialSuccess,
  scopeName,
  spanFlags,
  ucumUnit,
} from './encoding.ts';

const { Varint, Bit32, Bit64, LengthDelimited } = WireType;

export const protobufEncoding: Encoding = {
  contentType: 'application/x-protobuf',

  spans(resource) {
    const writer = new BinaryWriter();
    beginEnvelope(writer, resource);
    return {
      add: (record) => writeSpan(writer, record),
      finish: () => writer.join().join().finish(),
    };
  },

  metrics(resource, families, times) {
    const writer = new BinaryWriter();
    beginEnvelope(writer, resource);
    let points = 0;
    for (const family of families) {
      const data = [...family.points()];
      if (data.length > 0) writeMetric(writer, family, data, times);
      points += data.length;
    }
    const body = writer.join().join().finish();
    return points > 0 ? { body, points } : undefined;
  },

  partialSuccess(body) {
    const reader = new BinaryReader(body);
    let found: PartialSuccess | undefined;
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 1 && type === LengthDelimited) found = readPartialSuccess(reader.bytes());
      else reader.skip(type, field);
    }
    return found;
  },
};

/** ResourceSpans or ResourceMetrics (1) with its resource (1), and ScopeSpans or ScopeMetrics (2) with its scope (1). */
function beginEnvelope(writer: BinaryWriter, resource: Attributes): void {
  writer.tag(1, LengthDelimited).fork();
  writer.tag(1, LengthDelimited).fork();
  writeAttributes(writer, 1, resource);
  writer.join();
  writer.tag(2, LengthDelimited).fork();
  writer.tag(1, LengthDelimited).fork();
  writeText(writer, 1, scopeName);
  writer.join();
}

function writeSpan(writer: BinaryWriter, record: SpanRecord): void {
  const { parentSpanId, startMs, durationMs, status, message, dropped } = record;
  writer.tag(2, LengthDelimited).fork();
  writeId(writer, 1, record.traceId);
  writeId(writer, 2, record.spanId);
  if (parentSpanId !== undefined) writeId(writer, 4, parentSpanId);
  writeText(writer, 5, record.name);
  writer.tag(6, Varint).int32(spanKinds.indexOf(record.kind) + 1);
  writeTime(writer, 7, startMs);
  writeTime(writer, 8, startMs + durationMs);
  writeAttributes(writer, 9, record.attributes);
  if (dropped !== undefined) writer.tag(10, Varint).uint32(dropped);
  for (const { name, timeMs, attributes } of record.events) {
    writer.tag(11, LengthDelimited).fork();
    writeTime(writer, 1, timeMs);
    writeText(writer, 2, name);
    writeAttributes(writer, 3, attributes);
    writer.join();
  }
  for (const { traceId, spanId, attributes } of record.links) {
    writer.tag(13, LengthDelimited).fork();
    writeId(writer, 1, traceId);
    writeId(writer, 2, spanId);
    writeAttributes(writer, 4, attributes);
    writer.join();
  }
  if (status !== 'unset') {
    writer.tag(15, LengthDelimited).fork();
    if (message !== undefined) writeText(writer, 2, message);
    writer.tag(3, Varint).int32(spanStatuses.indexOf(status));
    writer.join();
  }
  writer.tag(16, Bit32).fixed32(spanFlags(record));
  writer.join();
}

function writeMetric(
  writer: BinaryWriter,
  { name, help, type, unit }: Family,
  points: readonly Point[],
  times: MetricTimes,
): void {
  writer.tag(2, LengthDelimited).fork();
  writeText(writer, 1, name);
  writeText(writer, 2, help);
  writeText(writer, 3, ucumUnit(unit));
  writer.tag(dataFields[type], LengthDelimited).fork();
  for (const { labels, value } of points) {
    writer.tag(1, LengthDelimited).fork();
    writeTime(writer, 2, times.startMs);
    writeTime(writer, 3, times.nowMs);
    if (typeof value === 'number') {
      writer.tag(4, Bit64).double(value);
      writeAttributes(writer, 7, labels);
    } else {
      writeAttributes(writer, 1, labels);
      writeExponential(writer, value.read());
    }
    writer.join();
  }
  if (type !== 'gauge') writer.tag(2, Varint).int32(CUMULATIVE);
  if (type === 'counter') writer.tag(3, Varint).bool(true);
  writer.join().join();
}

/** Fields of `Metric.data`. */
const dataFields = { gauge: 5, counter: 7, histogram: 10 } as const;

function writeExponential(writer: BinaryWriter, distribution: Distribution): void {
  const { count, sum, min, max, zeroCount, scale, offset, counts } = distribution;
  writer.tag(4, Bit64).fixed64(count);
  writer.tag(5, Bit64).double(sum);
  writer.tag(6, Varint).sint32(scale);
  writer.tag(7, Bit64).fixed64(zeroCount);
  if (counts.length > 0) {
    writer.tag(8, LengthDelimited).fork();
    writer.tag(1, Varint).sint32(offset);
    writer.tag(2, LengthDelimited).fork();
    for (const bucket of counts) writer.uint64(bucket);
    writer.join().join();
  }
  if (count > 0) {
    writer.tag(12, Bit64).double(min);
    writer.tag(13, Bit64).double(max);
  }
}

function writeAttributes(writer: BinaryWriter, field: number, attributes: Attributes): void {
  for (const key in attributes) {
    writer.tag(field, LengthDelimited).fork();
    writeText(writer, 1, key);
    writer.tag(2, LengthDelimited).fork();
    writeAnyValue(writer, attributes[key]!);
    writer.join().join();
  }
}

/** The case is written even where the value is proto3's default: it is a oneof. */
function writeAnyValue(writer: BinaryWriter, value: AttributeValue): void {
  if (typeof value === 'string') writer.tag(1, LengthDelimited).string(value);
  else if (typeof value === 'boolean') writer.tag(2, Varint).bool(value);
  else if (Number.isSafeInteger(value)) writer.tag(3, Varint).int64(value);
  else writer.tag(4, Bit64).double(value);
}

function writeText(writer: BinaryWriter, field: number, text: string): void {
  if (text !== '') writer.tag(field, LengthDelimited).string(text);
}

function writeId(writer: BinaryWriter, field: number, hex: string): void {
  writer.tag(field, LengthDelimited).bytes(Buffer.from(hex, 'hex'));
}

/** Unix milliseconds as nanoseconds in 64 bits, low half first: by halves of 16 bits, so that each product is exact. */
function writeTime(writer: BinaryWriter, field: number, milliseconds: number): void {
  const whole = Math.floor(milliseconds);
  const high = Math.floor(whole / 0x10000) * 1e6;
  const rest = (whole % 0x10000) * 1e6 + Math.round((milliseconds - whole) * 1e6);
  const low = (high % 0x10000) * 0x10000 + rest;
  writer.tag(field, Bit64).fixed32(low % 0x100000000);
  writer.fixed32(Math.floor(high / 0x10000) + Math.floor(low / 0x100000000));
}

/** ExportTracePartialSuccess and ExportMetricsPartialSuccess: rejected items (1) and a message (2). */
function readPartialSuccess(bytes: Uint8Array): PartialSuccess {
  const reader = new BinaryReader(bytes);
  let rejected = 0;
  let message = '';
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === Varint) rejected = Number(reader.int64());
    else if (field === 2 && type === LengthDelimited) message = reader.string();
    else reader.skip(type, field);
  }
  return { rejected, message };
}
