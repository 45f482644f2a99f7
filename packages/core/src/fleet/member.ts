/**
 * Membership of a fleet: what a process needs to find the others and call them. Services, the gateway and the command
 * line are members alike.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Contract } from '../contract/contract.ts';
import type { ContractDocument } from '../contract/document.ts';
import { connectBroker } from '../discovery/broker-connection.ts';
import { Discovery } from '../discovery/discovery.ts';
import type { Goodbye, Instance } from '../discovery/instance.ts';
import { FlotillaError, platformError } from '../errors/flotilla-error.ts';
import type {
  CallOptions,
  CallResult,
  Channel,
  ExecutionData,
  Transport,
  WireIdentity,
} from '../rpc/channel.ts';
import { type Caller, type Client, createClient } from '../rpc/client.ts';
import { socketTransport } from '../rpc/socket-transport.ts';
import { type Logger, silentLogger } from '../telemetry/log.ts';
import { ChannelPool } from './channel-pool.ts';
import { deriveKey, deriveToken } from './secret.ts';

export interface MemberOptions {
  readonly service: string;
  /** Unique in the fleet. */
  readonly instance: string;
  /** The fleet secret. */
  readonly secret: string;
  /** Name of the fleet: members of different fleets on one broker do not see each other. Default `default`. */
  readonly fleet?: string;
  /** `nats://127.0.0.1:8422`. Without credentials in it, a token derived from the secret is used. */
  readonly natsUrl: string;
  readonly log?: Logger;
  readonly transport?: Transport;
  /** Deadline of calls that come without one, in milliseconds. Default 10 000. */
  readonly defaultDeadlineMs?: number;
}

/** The operation by which every service describes itself. */
export const contractOperation = '$contract';

/** A call that surely did not run is tried on other channels up to this many times in all. */
const mostTries = 3;
const emptyInput = Buffer.from('{}');

export async function joinFleet(options: MemberOptions): Promise<FleetMember> {
  const { service, instance, secret, natsUrl } = options;
  const connection = await connectBroker({
    url: natsUrl,
    token: deriveToken(secret, 'broker'),
    name: instance,
  });
  const member = new FleetMember(connection, options, {
    service,
    instance,
    key: deriveKey(secret, 'wire'),
  });
  await member.discovery.start();
  return member;
}

export class FleetMember implements Caller {
  readonly connection: NatsConnection;
  readonly discovery: Discovery;
  readonly identity: WireIdentity;
  readonly transport: Transport;
  readonly #log: Logger;
  readonly #pools = new Map<string, ChannelPool>();
  readonly #contracts = new Map<string, ContractDocument>();
  readonly #deadlineMs: number;

  /** Use {@link joinFleet}. */
  constructor(connection: NatsConnection, options: MemberOptions, identity: WireIdentity) {
    this.connection = connection;
    this.identity = identity;
    this.transport = options.transport ?? socketTransport;
    this.#log = options.log ?? silentLogger;
    this.#deadlineMs = options.defaultDeadlineMs ?? 10_000;
    this.discovery = new Discovery({
      connection,
      fleet: options.fleet ?? 'default',
      log: this.#log,
      vouch: (instance) => this.#pools.get(instance.service)?.isConnected(instance) ?? false,
    });
    this.discovery.onChange(({ instance }) => {
      this.#pools.get(instance.service)?.update(this.#ready(instance.service));
    });
  }

  /**
   * Calls an operation of some live instance. A call that surely has not been executed (the instance died or drained
   * before it left) is sent to another one; any other failure is the caller's to judge.
   */
  async call(
    service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): Promise<CallResult> {
    const pool = this.#pool(service);
    const given = options.deadlineMs === undefined ? { ...options, deadlineMs: this.#deadlineMs } : options;
    for (let tries = 1; ; tries++) {
      const channel = pool.ready ?? (await this.#connect(pool, given));
      try {
        return await channel.call(operation, payload, given);
      } catch (error) {
        if (tries === mostTries || channel.state === 'open' || !notExecuted(error)) throw error;
      }
    }
  }

  /** Opens a stream on some live instance. It fails, and does not move, when that instance goes away. */
  async *stream(
    service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): AsyncIterableIterator<Buffer> {
    const pool = this.#pool(service);
    for (let tries = 1; ; tries++) {
      const channel = pool.ready ?? (await this.#connect(pool, options));
      let started = false;
      try {
        for await (const item of channel.stream(operation, payload, options)) {
          started = true;
          yield item;
        }
        return;
      } catch (error) {
        if (started || tries === mostTries || channel.state === 'open' || !notExecuted(error)) throw error;
      }
    }
  }

  /** A typed client. */
  client<C extends Contract>(contract: C): Client<C> {
    return createClient(contract, this);
  }

  /** The contract that a service serves now, asked from a live instance and remembered by its hash. */
  async contract(service: string): Promise<ContractDocument> {
    const known = this.discovery.list(service).map((instance) => this.#contracts.get(instance.contract));
    for (const document of known) if (document) return document;
    const { payload } = await this.call(service, `${service}.${contractOperation}`, emptyInput, {});
    const document = JSON.parse(payload.toString('utf8')) as ContractDocument;
    this.#contracts.set(document.hash, document);
    return document;
  }

  /** Reports the death of another member, so that nobody waits for its time to live. */
  reportGone(goodbye: Goodbye): void {
    this.discovery.goodbye(goodbye);
  }

  /** Says goodbye, closes all connections. Calls in flight fail with `unavailable`. */
  async leave(): Promise<void> {
    this.discovery.stop();
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
    if (!this.connection.isClosed()) {
      await Promise.race([
        this.connection.flush().catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, 500).unref()),
      ]);
    }
    await this.connection.close();
  }

  #ready(service: string): Instance[] {
    return this.discovery.list(service).filter(({ state, address }) => state === 'ready' && address !== '');
  }

  #pool(service: string): ChannelPool {
    let pool = this.#pools.get(service);
    if (!pool) {
      const { identity, transport } = this;
      pool = new ChannelPool({ service, identity, transport, log: this.#log });
      pool.update(this.#ready(service));
      this.#pools.set(service, pool);
    }
    return pool;
  }

  async #connect(pool: ChannelPool, { signal }: CallOptions): Promise<Channel> {
    if (signal?.aborted) {
      throw platformError('cancelled', 'the call was cancelled before it was sent', {
        data: { executed: 'no' },
      });
    }
    await this.discovery.settled(pool.service);
    return pool.connect();
  }
}

function notExecuted(error: unknown): boolean {
  return (
    error instanceof FlotillaError &&
    error.code === 'unavailable' &&
    (error.data as Partial<ExecutionData> | undefined)?.executed === 'no'
  );
}
