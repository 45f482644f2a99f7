/**
 * A service made ready to handle calls, before any port is open: its database migrated, its `start` run, its dispatch
 * built. The host puts it on the wire of a fleet; tests put it on a wire in memory.
 */
import { join } from 'node:path';
import { type ContractEvent, contractInfo } from '../contract/contract.ts';
import type { OutputOf, Schema } from '../contract/schema.ts';
import { platformError } from '../errors/flotilla-error.ts';
import type { Messages } from '../messaging/messages.ts';
import type { StreamEnd } from '../messaging/publishing/event-publisher.ts';
import type { Dispatch } from '../rpc/channel.ts';
import { type Caller, type CallScope, clientFactory } from '../rpc/client.ts';
import { type Database, openDatabase } from '../store/database.ts';
import { readMigrations } from '../store/migrations.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Admission } from './admission.ts';
import { AdmissionMetrics } from './admission-metrics.ts';
import { CallMetrics } from './call-metrics.ts';
import type { Clients, HostRuntime, Uses } from './context.ts';
import { createDispatch } from './dispatch.ts';
import { RefusalErrors } from './refusal.ts';
import type { Service } from './service.ts';
import { familiesOf, type MessageBroker, openMessages, startMessages } from './service-messages.ts';
import { Speaker } from './speaker.ts';

export interface PrepareOptions {
  readonly instance: string;
  /** What `readConfiguration` gave. */
  readonly config: unknown;
  /** Directory of this service's own files. */
  readonly dataDirectory: string;
  /** Carries the service's own calls to others. */
  readonly caller: Caller;
  readonly telemetry: Telemetry;
  /** Carries its messages. Where there is none, nothing is published or heard. */
  readonly broker?: MessageBroker;
  /** Aborts when the service begins to stop. */
  readonly stopping: AbortSignal;
  /** Called when a commit failed: nothing is acknowledged any more and the process must end. */
  readonly onFatal: (error: unknown) => void;
}

export interface PreparedService {
  readonly dispatch: Dispatch;
  readonly calls: CallMetrics;
  /** Begins to hear messages: once the service can be called. */
  listen(): Promise<void>;
  /** Takes no more messages, and finishes those in hand for at most `graceMs`. */
  drain(graceMs: number): Promise<void>;
  /** Undoes `start`, sends for at most `graceMs` what is being published, and closes the database. */
  close(graceMs: number): Promise<void>;
  /** Closes everything as a crash would: what is in hand is lost. */
  kill(): Promise<void>;
}

export async function prepareService(service: Service, options: PrepareOptions): Promise<PreparedService> {
  const { spec } = service;
  const { instance, telemetry, stopping } = options;
  const { metrics } = telemetry;
  const database = openServiceDatabase(service, options);
  let messages: Messages | undefined;
  try {
    messages = await openMessages(service, { ...options, broker: options.broker, database });
    const runtime = await startRuntime(service, options, database, messages);
    const calls = new CallMetrics(metrics, operationsOf(service));
    const admission = new Admission();
    const end = async (): Promise<void> => {
      admission.close();
      await spec.stop?.(runtime.state);
    };
    return {
      dispatch: createDispatch({
        service,
        runtime,
        calls,
        admission,
        admissionMetrics: new AdmissionMetrics(metrics, admission),
        refusals: new RefusalErrors(instance),
        telemetry,
        stopping,
      }),
      calls,
      async listen() {
        if (messages) await startMessages(service, messages, runtime);
      },
      async drain(graceMs) {
        await messages?.drain(graceMs);
      },
      async close(graceMs) {
        await end();
        await messages?.close(graceMs);
        database?.close();
      },
      async kill() {
        messages?.kill();
        await end();
        database?.close();
      },
    };
  } catch (error) {
    messages?.kill();
    database?.close();
    throw error;
  }
}

function operationsOf({ contract }: Service): string[] {
  const { name, members } = contractInfo(contract);
  return Object.entries(members).flatMap(([key, { kind }]) =>
    kind === 'operation' ? [`${name}.${key}`] : [],
  );
}

function openServiceDatabase({ spec, contract }: Service, options: PrepareOptions): Database | undefined {
  if (!spec.database) return undefined;
  return openDatabase({
    path: join(options.dataDirectory, `${contractInfo(contract).name}.sqlite`),
    migrations: readMigrations(spec.database.migrations),
    onFailure: options.onFatal,
  });
}

async function startRuntime(
  { spec, contract }: Service,
  { instance, config, caller, telemetry, stopping, onFatal }: PrepareOptions,
  database: Database | undefined,
  messages: Messages | undefined,
): Promise<HostRuntime<unknown, Uses, unknown>> {
  const { name } = contractInfo(contract);
  const speaker = new Speaker({
    service: name,
    families: familiesOf({ kind: 'service', contract, spec }),
    messages,
    database: () => runtime.database,
  });
  for (const used of Object.values(spec.uses ?? {})) caller.expect?.(used);
  const factories = Object.entries(spec.uses ?? {}).map(([key, used]) => [key, clientFactory(used)] as const);
  const scopedClients = (scope?: CallScope): Clients<Uses> =>
    Object.fromEntries(factories.map(([key, make]) => [key, make(caller, scope)]));
  const runtime: HostRuntime<unknown, Uses, unknown> = {
    service: name,
    instance,
    config,
    clients: scopedClients(),
    get database(): Database {
      if (database) return database;
      throw platformError(
        'internal',
        `${name} has no database: add \`database: { migrations }\` to the service`,
      );
    },
    log: telemetry.log,
    tracer: telemetry.tracer,
    signal: stopping,
    fatal: onFatal,
    state: undefined,
    scopedClients,
    speaker,
    publish: (event, payload, options) => speaker.publish(event, payload, options, undefined),
    emit: (event, payload) => speaker.emit(event, payload, undefined),
    streamEnd: <P extends Schema>(event: ContractEvent<P>) =>
      speaker.streamEnd(event) as Promise<StreamEnd<OutputOf<P>>>,
    transaction: (work) => speaker.transaction(work, undefined, undefined),
    progress: (group, used) => speaker.progress(group, used),
  };
  const state = await spec.start?.(runtime);
  return Object.create(runtime, { state: { value: state } }) as HostRuntime<unknown, Uses, unknown>;
}
