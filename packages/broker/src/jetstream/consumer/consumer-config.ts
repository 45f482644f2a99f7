/**
 * The configuration of a consumer under the names that it has on the wire (nats-server 2.9). Durations are
 * nanoseconds, texts are wire text. Zero, empty and false mean "not set", as they do for the server, and are left out
 * when it is shown.
 */
import { fromWireText, toWireText } from '../../protocol/wire-text.ts';
import { apiError } from '../api/api-error.ts';
import { readTimeUs } from './start-time.ts';

const DELIVER_POLICIES = [
  'all',
  'last',
  'new',
  'by_start_sequence',
  'by_start_time',
  'last_per_subject',
] as const;
const ACK_POLICIES = ['none', 'all', 'explicit'] as const;
const REPLAY_POLICIES = ['instant', 'original'] as const;

export type DeliverPolicy = (typeof DELIVER_POLICIES)[number];
export type AckPolicy = (typeof ACK_POLICIES)[number];
export type ReplayPolicy = (typeof REPLAY_POLICIES)[number];

export interface ConsumerConfig {
  readonly durable_name: string;
  readonly name: string;
  readonly description: string;
  readonly deliver_policy: DeliverPolicy;
  readonly opt_start_seq: number;
  /** RFC 3339, as it was given. */
  readonly opt_start_time: string;
  readonly ack_policy: AckPolicy;
  readonly ack_wait: number;
  /** Deliveries of one message at most; -1 for any number. */
  readonly max_deliver: number;
  readonly backoff: readonly number[];
  readonly filter_subject: string;
  readonly replay_policy: ReplayPolicy;
  readonly rate_limit_bps: number;
  readonly sample_freq: string;
  /** Pull requests that may wait at a time. */
  readonly max_waiting: number;
  /** Messages that may be delivered and not acknowledged; 0 and below for any number. */
  readonly max_ack_pending: number;
  readonly idle_heartbeat: number;
  readonly flow_control: boolean;
  readonly headers_only: boolean;
  readonly max_batch: number;
  readonly max_expires: number;
  readonly max_bytes: number;
  /** Empty for a pull consumer. */
  readonly deliver_subject: string;
  readonly deliver_group: string;
  readonly inactive_threshold: number;
  readonly num_replicas: number;
  readonly mem_storage: boolean;
  readonly direct: boolean;
}

type Kind = 'text' | 'time' | 'integer' | 'natural' | 'flag' | 'durations' | readonly string[];

/** In the order in which the server shows them. */
const FIELDS: Readonly<Record<keyof ConsumerConfig, Kind>> = {
  durable_name: 'text',
  name: 'text',
  description: 'text',
  deliver_policy: DELIVER_POLICIES,
  opt_start_seq: 'natural',
  opt_start_time: 'time',
  ack_policy: ACK_POLICIES,
  ack_wait: 'integer',
  max_deliver: 'integer',
  backoff: 'durations',
  filter_subject: 'text',
  replay_policy: REPLAY_POLICIES,
  rate_limit_bps: 'natural',
  sample_freq: 'text',
  max_waiting: 'integer',
  max_ack_pending: 'integer',
  idle_heartbeat: 'integer',
  flow_control: 'flag',
  headers_only: 'flag',
  max_batch: 'integer',
  max_expires: 'integer',
  max_bytes: 'integer',
  deliver_subject: 'text',
  deliver_group: 'text',
  inactive_threshold: 'integer',
  num_replicas: 'integer',
  mem_storage: 'flag',
  direct: 'flag',
};
const NAMES = Object.keys(FIELDS) as readonly (keyof ConsumerConfig)[];
/** Shown even when not set. */
const ALWAYS_SHOWN: ReadonlySet<keyof ConsumerConfig> = new Set([
  'deliver_policy',
  'ack_policy',
  'replay_policy',
  'num_replicas',
]);
const DEFAULT_ACK_WAIT_NS = 30_000_000_000;
const DEFAULT_MAX_ACK_PENDING = 1_000;
const DEFAULT_MAX_WAITING = 512;

/**
 * Reads what a client sent. Unknown members are ignored.
 *
 * @throws ApiError `invalidJson` for a value of the wrong type.
 */
export function readConsumerConfig(json: unknown): ConsumerConfig {
  if (json !== undefined && json !== null && (typeof json !== 'object' || Array.isArray(json))) {
    throw apiError('invalidJson');
  }
  const given: Readonly<Record<string, unknown>> = { ...(json ?? {}) };
  return Object.fromEntries(NAMES.map((name) => [name, readValue(FIELDS[name], given[name])])) as never;
}

/** Fills in what the server assumes. Note that a backoff replaces the ack wait. */
export function withDefaults(config: ConsumerConfig): ConsumerConfig {
  const acknowledged = config.ack_policy !== 'none';
  return {
    ...config,
    max_waiting:
      config.deliver_subject === '' && config.max_waiting === 0 ? DEFAULT_MAX_WAITING : config.max_waiting,
    ack_wait:
      config.backoff[0] ?? (acknowledged && config.ack_wait === 0 ? DEFAULT_ACK_WAIT_NS : config.ack_wait),
    max_deliver: config.max_deliver === 0 ? -1 : config.max_deliver,
    max_ack_pending:
      acknowledged && config.max_ack_pending === 0 ? DEFAULT_MAX_ACK_PENDING : config.max_ack_pending,
  };
}

/** As the server shows it: without what is not set. */
export function showConsumerConfig(config: ConsumerConfig): Readonly<Record<string, unknown>> {
  const shown = NAMES.filter((name) => ALWAYS_SHOWN.has(name) || isSet(config[name]));
  return Object.fromEntries(
    shown.map((name) => {
      const value = config[name];
      return [name, typeof value === 'string' ? fromWireText(value) : value];
    }),
  );
}

export function isPush(config: ConsumerConfig): boolean {
  return config.deliver_subject !== '';
}

function isSet(value: ConsumerConfig[keyof ConsumerConfig]): boolean {
  return typeof value === 'object' ? value.length > 0 : Boolean(value);
}

function readValue(kind: Kind, value: unknown): ConsumerConfig[keyof ConsumerConfig] {
  const absent = value === undefined || value === null;
  switch (kind) {
    case 'text':
      return absent ? '' : text(value);
    case 'time':
      if (absent) return '';
      if (readTimeUs(text(value)) === undefined) throw apiError('invalidJson');
      return text(value);
    case 'integer':
      return absent ? 0 : integer(value);
    case 'natural':
      if (!absent && integer(value) < 0) throw apiError('invalidJson');
      return absent ? 0 : integer(value);
    case 'flag':
      if (!absent && typeof value !== 'boolean') throw apiError('invalidJson');
      return value === true;
    case 'durations':
      if (!absent && !Array.isArray(value)) throw apiError('invalidJson');
      return absent ? [] : (value as unknown[]).map(integer);
    default: {
      if (absent) return kind[0]!;
      if (!kind.includes(text(value))) throw apiError('invalidJson');
      return text(value);
    }
  }
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw apiError('invalidJson');
  return toWireText(value);
}

function integer(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw apiError('invalidJson');
  return value;
}
