/**
 * Where and how telemetry is exported, as OpenTelemetry's variables say it. All of them hold for both signals, and most
 * have a form for one (`OTEL_EXPORTER_OTLP_TRACES_…`, `OTEL_EXPORTER_OTLP_METRICS_…`) that goes first.
 */
import { readFileSync } from 'node:fs';
import type { Attributes } from '../span-record.ts';
import { OtelEnvironment } from './environment.ts';

export type Signal = 'traces' | 'metrics';

/** Where one signal goes. */
export interface Destination {
  readonly url: URL;
  readonly protocol: 'http/protobuf' | 'http/json';
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  /** For one request. */
  readonly timeoutMs: number;
  /** PEM: whom to trust and who we are; for https only. */
  readonly certificates: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

export interface ExportConfiguration {
  /** Undefined: the signal is not exported. */
  readonly traces: Destination | undefined;
  readonly metrics: Destination | undefined;
  readonly resource: Attributes;
  /** OTEL_BSP_SCHEDULE_DELAY: how long a span waits for others at most. */
  readonly spanDelayMs: number;
  /** OTEL_BSP_MAX_QUEUE_SIZE: spans that may wait; the oldest go first. At most what the tracer's ring holds. */
  readonly spanQueue: number;
  /** OTEL_BSP_MAX_EXPORT_BATCH_SIZE: spans in one request at most. */
  readonly spanBatch: number;
  /** OTEL_METRIC_EXPORT_INTERVAL. */
  readonly metricIntervalMs: number;
}

export interface Identity {
  readonly service: string;
  readonly instance: string;
  readonly version?: string | undefined;
}

/** Whether the environment asks for an export at all: what reads and sends is loaded only then. */
export function isExportConfigured(environment: NodeJS.ProcessEnv): boolean {
  if (environment.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return false;
  return ['', 'TRACES_', 'METRICS_'].some((signal) =>
    environment[`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`]?.trim(),
  );
}

/** @param warn told of each variable that is ignored and why, one line each. */
export function readExportConfiguration(
  environment: NodeJS.ProcessEnv,
  identity: Identity,
  warn: (message: string) => void,
): ExportConfiguration {
  const read = new OtelEnvironment(environment, once(warn));
  const enabled = !read.flag('OTEL_SDK_DISABLED');
  const spanQueue = read.number(['OTEL_BSP_MAX_QUEUE_SIZE'], 4096, 1);
  return {
    traces: enabled ? readDestination(read, 'traces') : undefined,
    metrics: enabled ? readDestination(read, 'metrics') : undefined,
    resource: readResource(read, identity),
    spanDelayMs: read.number(['OTEL_BSP_SCHEDULE_DELAY'], 5_000, 0),
    spanQueue,
    spanBatch: Math.min(read.number(['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], 512, 1), spanQueue),
    metricIntervalMs: read.number(['OTEL_METRIC_EXPORT_INTERVAL'], 60_000, 1),
  };
}

function readDestination(read: OtelEnvironment, signal: Signal): Destination | undefined {
  const upper = signal.toUpperCase();
  const names = (setting: string) => [
    `OTEL_EXPORTER_OTLP_${upper}_${setting}`,
    `OTEL_EXPORTER_OTLP_${setting}`,
  ];
  if (read.choice([`OTEL_${upper}_EXPORTER`], ['otlp', 'none'], 'otlp') === 'none') return undefined;
  const url = read.url(`OTEL_EXPORTER_OTLP_${upper}_ENDPOINT`) ?? belowEndpoint(read, signal);
  if (!url) return undefined;
  const timeout = signal === 'traces' ? 'OTEL_BSP_EXPORT_TIMEOUT' : 'OTEL_METRIC_EXPORT_TIMEOUT';
  return {
    url,
    protocol: read.choice(names('PROTOCOL'), ['http/protobuf', 'http/json'], 'http/protobuf'),
    // The special set replaces the general one only by name: both may carry a part of what is needed.
    headers: read.headers('OTEL_EXPORTER_OTLP_HEADERS', `OTEL_EXPORTER_OTLP_${upper}_HEADERS`),
    compression: read.choice(names('COMPRESSION'), ['gzip', 'none'], 'none'),
    timeoutMs: Math.min(read.number(names('TIMEOUT'), 10_000, 1), read.number([timeout], 30_000, 1)),
    certificates: url.protocol === 'https:' ? readCertificates(read, names) : {},
  };
}

/** The path of a signal below the general endpoint, whether that ends with a slash or not. */
function belowEndpoint(read: OtelEnvironment, signal: Signal): URL | undefined {
  const url = read.url('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (url) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal}`;
  return url;
}

function readCertificates(
  read: OtelEnvironment,
  names: (setting: string) => string[],
): Destination['certificates'] {
  const ca = read.file(names('CERTIFICATE'), readFileSync);
  const cert = read.file(names('CLIENT_CERTIFICATE'), readFileSync);
  const key = read.file(names('CLIENT_KEY'), readFileSync);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** Who is telling, by OpenTelemetry's semantic conventions for resources. */
function readResource(read: OtelEnvironment, { service, instance, version }: Identity): Attributes {
  const name = read.text('OTEL_SERVICE_NAME');
  return {
    'service.name': service,
    'service.instance.id': instance,
    ...(version !== undefined && { 'service.version': version }),
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.name': 'flotilla',
    'telemetry.sdk.language': 'nodejs',
    ...read.pairs('OTEL_RESOURCE_ATTRIBUTES'),
    ...(name !== undefined && { 'service.name': name }),
  };
}

/** Variables that hold for both signals are read twice; they are complained of once. */
function once(warn: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    told.add(message);
    warn(message);
  };
}
