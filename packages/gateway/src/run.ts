/**
 * The gateway as a process of a fleet: `node run.js`, with the environment of the process protocol. Serves from the first
 * moment; is `ready` once it knows the contracts of the services it has to expect.
 */
import { readFileSync } from 'node:fs';
import {
  createLogger,
  createTelemetry,
  deriveToken,
  joinFleet,
  type LogLevel,
  platformError,
  processLifetime,
  readControl,
  readSecret,
  startAdminServer,
} from 'flotilla';
import { setCompilers } from 'flotilla/idle-process';
import { readEnvironment } from './config.ts';
import { contractStore, noContractStore } from './contract-store.ts';
import { awaitContracts } from './expected-contracts.ts';
import { FleetUpstream } from './fleet-upstream.ts';
import { startGateway } from './gateway.ts';

/** Requests in progress may take this long after SIGTERM, in milliseconds. */
const graceMs = 3_000;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const { env } = process;
const instance = env.FLOTILLA_INSTANCE ?? `gateway-${process.pid}`;
const lifetime = processLifetime(
  createLogger({ service: 'gateway', instance, level: (env.FLOTILLA_LOG_LEVEL ?? 'info') as LogLevel }),
);

await lifetime.run(async () => {
  // Its supervisor may have closed them, while it loaded its code.
  setCompilers('open');
  const { log } = lifetime;
  const { config, port, host, adminPort, zone, dataDirectory, expect } = readEnvironment(env);
  const secret = readSecret(env);
  const telemetry = createTelemetry({ service: 'gateway', instance, version, environment: env, log });
  const member = await joinFleet({
    service: 'gateway',
    instance,
    fleet: env.FLOTILLA_FLEET ?? 'default',
    secret,
    natsUrl: env.NATS_URL ?? 'nats://127.0.0.1:8422',
    telemetry,
    zone,
    control: readControl(env),
  });
  lifetime.onControl((document) => member.control(document));
  const store = dataDirectory === undefined ? noContractStore : contractStore(dataDirectory, log);
  const upstream = new FleetUpstream(member, store, log);
  await upstream.start(expect.length === 0 ? undefined : expect);
  const { faults } = member;
  const gateway = await startGateway({
    ...{ upstream, config, log, telemetry, faults, host, port },
    starting: true,
  });
  let phase: 'starting' | 'ready' | 'draining' = 'starting';
  const admin = await startAdminServer({
    host,
    port: adminPort,
    token: deriveToken(secret, 'admin'),
    telemetry,
    member,
    readiness: () => (phase === 'ready' ? { ready: true } : { ready: false, reason: phase }),
    dispatch: (call, reply) =>
      reply.error(platformError('not_found', `the gateway has no operation ${call.operation}`)),
  });
  const missing = await awaitContracts(upstream, expect);
  if (missing.length > 0) log.warn('ready without the contracts of some services', { missing });
  gateway.ready();
  phase = 'ready';
  lifetime.tell({ type: 'ready', url: gateway.url, admin: admin.url, version });
  log.info('serving', { url: gateway.url });
  return async () => {
    lifetime.tell({ type: 'state', state: 'draining' });
    phase = 'draining';
    await gateway.drain(graceMs);
    upstream.stop();
    await Promise.all([admin.close(), member.leave()]);
    await telemetry.close();
  };
});
