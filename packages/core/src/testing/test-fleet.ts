/**
 * A fleet in one process, for tests: real services with real databases, calling each other over a wire in memory that
 * really encodes and decodes. A service can be killed (its calls fail, what was not committed is lost) and started again
 * on the same database.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/nats-core';
import { type Contract, contractInfo } from '../contract/contract.ts';
import { connectBroker } from '../discovery/broker-connection.ts';
import { platformError } from '../errors/flotilla-error.ts';
import type { CallOptions, CallResult, Channel, WireServer } from '../rpc/channel.ts';
import { type Caller, type Client, createClient } from '../rpc/client.ts';
import { memoryTransport } from '../rpc/memory-transport.ts';
import { readConfiguration } from '../service/configuration.ts';
import { type PreparedService, prepareService } from '../service/prepared-service.ts';
import type { Service } from '../service/service.ts';
import { type Logger, silentLogger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { silentTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import { Tracer } from '../telemetry/tracer.ts';

export interface TestFleetOptions {
  /** Environment of every service; configuration is read from it. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Where databases are kept; default a directory of its own that `stop` removes. */
  readonly dataDirectory?: string;
  readonly log?: Logger;
  /** A broker with JetStream: the services publish and hear messages over it. Without, none arrive anywhere. */
  readonly natsUrl?: string;
  /** Of the fleet, so that tests on one broker do not see each other. Default `test`. */
  readonly name?: string;
  /** How long a member of a group may be silent before others take over, in milliseconds. Default 1000. */
  readonly memberTtlMs?: number;
}

interface Running {
  readonly service: Service;
  readonly stopping: AbortController;
  readonly prepared: PreparedService;
  readonly telemetry: Telemetry;
  readonly server: WireServer;
  readonly channel: Channel;
  readonly connection: NatsConnection | undefined;
}

const defaultDeadlineMs = 5_000;

export class TestFleet implements Caller {
  readonly #transport = memoryTransport();
  readonly #running = new Map<string, Running>();
  readonly #environment: NodeJS.ProcessEnv;
  readonly #log: Logger;
  readonly #ownsDirectory: boolean;
  readonly #natsUrl: string | undefined;
  readonly #name: string;
  readonly #memberTtlMs: number;
  readonly dataDirectory: string;
  /** Has the spans of all services. */
  readonly tracer = new Tracer();

  constructor(options: TestFleetOptions = {}) {
    this.#environment = options.environment ?? {};
    this.#log = options.log ?? silentLogger;
    this.#natsUrl = options.natsUrl;
    this.#name = options.name ?? 'test';
    this.#memberTtlMs = options.memberTtlMs ?? 1_000;
    this.#ownsDirectory = options.dataDirectory === undefined;
    this.dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'flotilla-test-'));
  }

  /** Starts services one after the other. One that needs another at start comes after it. */
  async start(...services: readonly Service[]): Promise<void> {
    for (const service of services) await this.#start(service);
  }

  /** A typed client, calling as the service `test`. */
  client<C extends Contract>(contract: C): Client<C> {
    return createClient(contract, this);
  }

  /** The metrics of a service that runs. */
  metrics(contract: Contract): Metrics {
    return this.#find(contract).telemetry.metrics;
  }

  /** Drains a service as SIGTERM would. */
  async drain(contract: Contract): Promise<void> {
    const running = this.#take(contract);
    running.stopping.abort(platformError('unavailable', 'the service is stopping'));
    await Promise.all([running.server.drain(1_000), running.prepared.drain(1_000)]);
    await running.prepared.close(1_000);
    await running.connection?.close();
  }

  /** Cuts all connections of a service first and stops it then: its callers see what they see at a crash. */
  async kill(contract: Contract): Promise<void> {
    const running = this.#take(contract);
    await running.server.close();
    running.stopping.abort(platformError('unavailable', 'the service was killed'));
    await running.prepared.kill();
    await running.connection?.close();
  }

  async stop(): Promise<void> {
    for (const { service } of [...this.#running.values()].reverse()) await this.kill(service.contract);
    if (this.#ownsDirectory) rmSync(this.dataDirectory, { recursive: true, force: true });
  }

  async call(
    service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): Promise<CallResult> {
    const given = options.deadlineMs === undefined ? { ...options, deadlineMs: defaultDeadlineMs } : options;
    return this.#channel(service).call(operation, payload, given);
  }

  async *stream(
    service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): AsyncIterableIterator<Buffer> {
    yield* this.#channel(service).stream(operation, payload, options);
  }

  async #start(service: Service): Promise<void> {
    const { name } = contractInfo(service.contract);
    const instance = `${name}-1`;
    const stopping = new AbortController();
    const config = service.spec.config
      ? await readConfiguration(name, service.spec.config, this.#environment)
      : {};
    const telemetry: Telemetry = {
      ...silentTelemetry(),
      tracer: this.tracer,
      log: this.#log.child({ service: name }),
    };
    const connection =
      this.#natsUrl === undefined
        ? undefined
        : await connectBroker({ url: this.#natsUrl, token: '', name: instance });
    const broker = connection && { connection, fleet: this.#name, memberTtlMs: this.#memberTtlMs };
    const prepared = await prepareService(service, {
      instance,
      ...(broker ? { broker } : {}),
      config,
      dataDirectory: join(this.dataDirectory, name),
      caller: this,
      telemetry,
      stopping: stopping.signal,
      onFatal: (error) => this.#log.error('fatal', { service: name, error }),
    }).catch(async (error: unknown) => {
      await connection?.close();
      throw error;
    });
    const key = Buffer.alloc(32, 1);
    const server = await this.#transport.listen({
      address: 'memory:',
      identity: { service: name, instance, key },
      dispatch: prepared.dispatch,
    });
    const channel = await this.#transport.dial({
      address: server.address,
      identity: { service: 'test', instance: 'test-1', key },
    });
    this.#running.set(name, { service, stopping, prepared, telemetry, server, channel, connection });
    await prepared.listen();
  }

  #take(contract: Contract): Running {
    const running = this.#find(contract);
    this.#running.delete(contractInfo(contract).name);
    return running;
  }

  #find(contract: Contract): Running {
    const { name } = contractInfo(contract);
    const running = this.#running.get(name);
    if (!running) throw platformError('not_found', `${name} does not run in this test fleet`);
    return running;
  }

  #channel(service: string): Channel {
    const running = this.#running.get(service);
    if (running) return running.channel;
    throw platformError('unavailable', `${service} is unavailable: no instance is running`, {
      data: { executed: 'no' },
    });
  }
}
