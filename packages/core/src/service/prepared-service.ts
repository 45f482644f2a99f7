/**
 * A service made ready to handle calls, before any port is open: its database migrated, its `start` run, its dispatch
 * built. The host puts it on the wire of a fleet; tests put it on a wire in memory.
 */
import { join } from 'node:path';
import { contractInfo } from '../contract/contract.ts';
import { platformError } from '../errors/flotilla-error.ts';
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

export interface PrepareOptions {
  readonly instance: string;
  /** What `readConfiguration` gave. */
  readonly config: unknown;
  /** Directory of this service's own files. */
  readonly dataDirectory: string;
  /** Carries the service's own calls to others. */
  readonly caller: Caller;
  readonly telemetry: Telemetry;
  /** Aborts when the service begins to stop. */
  readonly stopping: AbortSignal;
  /** Called when a commit failed: nothing is acknowledged any more and the process must end. */
  readonly onFatal: (error: unknown) => void;
}

export interface PreparedService {
  readonly dispatch: Dispatch;
  readonly calls: CallMetrics;
  /** Undoes `start` and closes the database. */
  close(): Promise<void>;
}

export async function prepareService(service: Service, options: PrepareOptions): Promise<PreparedService> {
  const { spec } = service;
  const { instance, telemetry, stopping } = options;
  const { metrics } = telemetry;
  const database = openServiceDatabase(service, options);
  try {
    const runtime = await startRuntime(service, options, database);
    const calls = new CallMetrics(metrics, operationsOf(service));
    const admission = new Admission();
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
      async close() {
        admission.close();
        await spec.stop?.(runtime.state);
        database?.close();
      },
    };
  } catch (error) {
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
): Promise<HostRuntime<unknown, Uses, unknown>> {
  const { name } = contractInfo(contract);
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
  };
  const state = await spec.start?.(runtime);
  return Object.create(runtime, { state: { value: state } }) as HostRuntime<unknown, Uses, unknown>;
}
