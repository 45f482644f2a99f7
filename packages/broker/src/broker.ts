/** The broker as its owner sees it: start, look, wind down. */
import { BrokerError } from './broker-error.ts';
import { answerStatus, type BrokerStatus, brokerVersion } from './broker-status.ts';
import { authenticator, type Credential } from './credentials.ts';
import { backupStore } from './jetstream/backup/backup-store.ts';
import { JetStream } from './jetstream/jetstream.ts';
import type { StreamStatus } from './jetstream/stream-status.ts';
import { type Limits, resolveLimits } from './limits.ts';
import { Router } from './routing/router.ts';
import { BrokerServer } from './server/broker-server.ts';
import type { Counters } from './server/counters.ts';
import type { Log } from './server/log.ts';

export interface BrokerOptions {
  /** Address to listen on. Default 127.0.0.1: nothing but this machine can connect. */
  readonly host?: string;
  /** Default 8422; 0 picks a free port. */
  readonly port?: number;
  /** Any of these opens a connection. An empty list is refused unless `noAuth` is set. */
  readonly credentials: readonly Credential[];
  /** Serve everyone who can reach the port. Default false. */
  readonly noAuth?: boolean;
  /** Name in INFO. Default `flotilla`; tools know the broker by it. */
  readonly serverName?: string;
  readonly limits?: Partial<Limits>;
  /**
   * Folder in which streams are kept; made if need be, and locked against other processes. Default: none, and streams
   * can only live in memory.
   */
  readonly data?: string;
  /**
   * What an acknowledgement of a stream with `storage: file` means. `disk`, the default: the message has been flushed to
   * disk and survives the loss of power. `process`: it survives a crash of the broker, but not of the machine.
   */
  readonly durability?: 'disk' | 'process';
  /**
   * Told once when the store could not write. Nothing of what it was writing has been acknowledged, and nothing more
   * will be: the process should end. Default: the error is thrown where nobody catches it, which ends the process.
   */
  readonly onFatal?: (error: BrokerError) => void;
  /** Default: silent. */
  readonly log?: Log;
}

export interface BrokerStats extends Readonly<Counters> {
  readonly connections: number;
  /** Of clients; those of the broker itself are not counted. */
  readonly subscriptions: number;
  /** Bytes that wait for clients at this moment. */
  readonly pendingBytes: number;
}

export interface LameDuckOptions {
  /** Time for clients to move away by themselves, in ms. Default 10 000. */
  readonly graceMs?: number;
  /** Time over which the remaining connections are closed, one after the other, in ms. Default 120 000. */
  readonly durationMs?: number;
}

export interface CloseOptions {
  /** Time for queued bytes to leave before connections are cut, in ms. Default 1 000. */
  readonly deadlineMs?: number;
}

export interface Broker {
  /** `nats://host:port`, without credentials. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  stats(): BrokerStats;
  /** What operators are told; also answered to a request on `$FLOTILLA.BROKER.STATUS`. */
  status(): BrokerStatus;
  /** All streams, and who reads them. */
  streams(): StreamStatus[];
  /**
   * Copies everything that is stored into a new directory, while the broker serves: what was acknowledged before is in it. One at
   * a time; a second one waits.
   *
   * @param directory must not exist; it appears when all of it is on disk.
   * @throws BrokerError `backup_exists`, `backup_failed`, `data_missing` when the broker has no data directory.
   */
  backup(directory: string): Promise<void>;
  /** Asks clients to leave, accepts no new ones, closes the rest gradually. Resolves when the broker is closed. */
  lameDuck(options?: LameDuckOptions): Promise<void>;
  /** Sends what is queued, then ends. Safe to call again; also cuts a lame duck short. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Starts a broker and resolves when it accepts connections.
 *
 * @throws BrokerError `address_in_use`, `credentials_missing`, `data_locked`, … with cause and repair.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { host = '127.0.0.1', port = 8422 } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new BrokerError('invalid_option', `port is ${port}`, 'give a number from 0 to 65535');
  }
  const limits = resolveLimits(options.limits);
  const accepted = authenticator(options.credentials, options.noAuth ?? false);
  const log = options.log ?? (() => {});
  const router = new Router();
  const jetStream = new JetStream({
    router,
    log,
    data: options.data,
    durability: options.durability ?? 'disk',
    onFatal: options.onFatal ?? endProcess,
    flushClients: () => server.flush(),
  });
  const server = new BrokerServer({
    host,
    port,
    serverName: options.serverName ?? 'flotilla',
    limits,
    authenticator: accepted,
    router,
    log,
  });
  try {
    await server.listen();
  } catch (error) {
    jetStream.close();
    throw error;
  }

  const subscriptions = (): number => {
    let sum = 0;
    for (const connection of server.connections) sum += connection.subscriptions;
    return sum;
  };
  const version = brokerVersion();
  const startedAt = performance.now();
  const status = (): BrokerStatus => {
    const { inMessages, inBytes, outMessages, outBytes, slowConsumers } = server.counters;
    return {
      version,
      uptimeMs: Math.round(performance.now() - startedAt),
      connections: server.connections.size,
      subscriptions: subscriptions(),
      inMessages,
      inBytes,
      outMessages,
      outBytes,
      slowConsumers,
      ...jetStream.totals(),
      store: jetStream.status() ?? null,
    };
  };
  answerStatus(router, status, (error, subject) => log('error', 'the status failed', { error, subject }));

  let copying: Promise<void> = Promise.resolve();
  let closing: Promise<void> | undefined;
  let leaving: Promise<void> | undefined;
  const close = ({ deadlineMs = 1_000 }: CloseOptions = {}): Promise<void> => {
    if (closing === undefined) {
      // Whatever has been taken is acknowledged before the clients go.
      jetStream.flush();
      closing = server.close(deadlineMs).finally(() => jetStream.close());
    }
    return closing;
  };

  return {
    url: urlOf(host, server.info.port),
    host,
    port: server.info.port,
    stats() {
      let pendingBytes = 0;
      for (const connection of server.connections) pendingBytes += connection.pendingBytes;
      return {
        ...server.counters,
        connections: server.connections.size,
        subscriptions: subscriptions(),
        pendingBytes,
      };
    },
    status,
    streams: () => jetStream.streams(),
    backup(directory) {
      const copied = copying.then(() => backupStore(jetStream.files(), directory));
      copying = copied.catch(() => {});
      return copied;
    },
    async lameDuck({ graceMs = 10_000, durationMs = 120_000 } = {}) {
      if (closing !== undefined) {
        throw new BrokerError('broker_closed', 'the broker is closed or closing', 'start a new one');
      }
      leaving ??= server.lameDuck(graceMs, durationMs).then(() => close());
      await leaving;
    },
    close,
  };
}

function endProcess(error: BrokerError): void {
  setImmediate(() => {
    throw error;
  });
}

/** An address that means "every interface" cannot be dialled everywhere: the URL then names the loopback. */
function urlOf(host: string, port: number): string {
  const dialled = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `nats://${dialled.includes(':') ? `[${dialled}]` : dialled}:${port}`;
}
