/**
 * The configuration of a stream under the names that it has on the wire. Durations are nanoseconds, as clients send
 * them; -1 means "no limit" where the server says so.
 */

/** Member of a stream's metadata by which it asks for a durability of its own: `disk` or `process`. */
export const DURABILITY_KEY = 'flotilla.durability';

export type Retention = 'limits' | 'interest' | 'workqueue';
export type DiscardPolicy = 'old' | 'new';
export type StorageKind = 'file' | 'memory';

export interface Republish {
  readonly src: string;
  readonly dest: string;
  readonly headers_only?: boolean;
}

export interface Placement {
  readonly cluster?: string;
  readonly tags?: readonly string[];
}

export interface StreamConfig {
  readonly name: string;
  readonly description?: string;
  readonly subjects: readonly string[];
  readonly retention: Retention;
  readonly max_consumers: number;
  readonly max_msgs: number;
  readonly max_bytes: number;
  readonly max_age: number;
  readonly max_msgs_per_subject: number;
  readonly max_msg_size: number;
  readonly discard: DiscardPolicy;
  readonly discard_new_per_subject?: boolean;
  readonly storage: StorageKind;
  readonly num_replicas: number;
  readonly no_ack?: boolean;
  readonly template_owner?: string;
  readonly duplicate_window: number;
  readonly placement?: Placement;
  readonly sealed: boolean;
  readonly deny_delete: boolean;
  readonly deny_purge: boolean;
  readonly allow_rollup_hdrs: boolean;
  readonly republish?: Republish;
  readonly allow_direct: boolean;
  readonly mirror_direct: boolean;
  /** Not known to nats-server 2.9; kept and returned, and read for `flotilla.durability`. */
  readonly metadata?: Readonly<Record<string, string>>;
}
