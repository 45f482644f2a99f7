/** A broker under measurement with the client that talks to it. */
import type { Server } from '../servers/server.ts';

export interface BrokerContender {
  readonly name: string;
  /** What an acknowledgement means, for the report. */
  readonly promise: string;
  /** What is not installed here, so that it cannot take part. */
  missing?(): string | undefined;
  start(): Promise<Server>;
  /** Connects one process; streams and consumers that it needs are made here, the same in every process. */
  connect(url: string): Promise<BrokerClient>;
}

/** A consumer group. */
export interface Group {
  readonly name: string;
  /** It takes so many a second, and no more from the broker than it can hold. Default: as many as come. */
  readonly perSecond?: number;
}

export interface BrokerClient {
  /**
   * Publishes a message of 128 bytes that says when it was sent, in microseconds. Resolves when the broker has acknowledged it.
   */
  publish(sentUs: number): Promise<unknown>;
  /** From the oldest on, each message once, acknowledged by the consumer after `handle`. Resolves when it listens. */
  consume(group: Group, handle: (sentUs: number) => void): Promise<void>;
  /** Core publish and subscribe, where there is such a thing: at most once, no acknowledgement. */
  readonly core?: {
    publish(sentUs: number): void;
    /** Resolves when the broker has taken what was published before. */
    flush(): Promise<void>;
    subscribe(handle: (sentUs: number) => void): Promise<void>;
  };
  close(): Promise<void>;
}
