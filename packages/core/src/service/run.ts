/**
 * Runs one service in this process: `node run.js <module>`, where the module's default export is a service. The
 * environment says which fleet it belongs to; an IPC channel to the supervisor, where there is one, carries readiness.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { contractInfo } from '../contract/contract.ts';
import { platformError } from '../errors/flotilla-error.ts';
import { readControl } from '../fleet/control-document.ts';
import { readSecret } from '../fleet/secret.ts';
import { createLogger, type LogLevel } from '../telemetry/log.ts';
import { createTelemetry } from '../telemetry/telemetry.ts';
import { startService } from './host.ts';
import { setCompilers } from './optimizing-compilers.ts';
import { processLifetime } from './process-lifetime.ts';
import { isService, type Service } from './service.ts';

/** Calls in flight may take this long after SIGTERM. */
const graceMs = 3_000;

async function loadService(entry: string | undefined): Promise<Service> {
  if (!entry)
    throw platformError(
      'invalid_argument',
      'name the module of the service: node run.js ./ledger/service.ts',
    );
  const module: unknown = await import(pathToFileURL(resolve(entry)).href);
  const exported = (module as { default?: unknown }).default;
  if (!isService(exported)) {
    throw platformError(
      'invalid_argument',
      `${entry} must export a service as its default: export default service(…)`,
    );
  }
  return exported;
}

const { env } = process;
const lifetime = processLifetime(
  createLogger({
    service: env.FLOTILLA_SERVICE ?? 'service',
    instance: env.FLOTILLA_INSTANCE ?? `service-${process.pid}`,
    level: (env.FLOTILLA_LOG_LEVEL ?? 'info') as LogLevel,
  }),
);

await lifetime.run(async () => {
  const service = await loadService(process.argv[2]);
  // Its supervisor may have closed them, while it loaded its code.
  setCompilers('open');
  const { name } = contractInfo(service.contract);
  const instance = env.FLOTILLA_INSTANCE ?? `${name}-${process.pid}`;
  const telemetry = createTelemetry({
    service: name,
    instance,
    ...(service.spec.version ? { version: service.spec.version } : {}),
    environment: env,
    log: lifetime.log,
  });
  const running = await startService(service, {
    instance,
    fleet: env.FLOTILLA_FLEET ?? 'default',
    secret: readSecret(env),
    natsUrl: env.NATS_URL ?? 'nats://127.0.0.1:8422',
    dataDirectory: env.FLOTILLA_DATA ?? resolve('.flotilla', 'services', name),
    ...(env.FLOTILLA_HOST ? { host: env.FLOTILLA_HOST } : {}),
    ...(env.FLOTILLA_WIRE_ADDRESS ? { wireAddress: env.FLOTILLA_WIRE_ADDRESS } : {}),
    adminPort: Number(env.FLOTILLA_ADMIN_PORT ?? 0),
    environment: env,
    telemetry,
    control: readControl(env),
    onFatal: (error) => lifetime.fatal(error),
  });
  lifetime.onControl((document) => running.control(document));
  const { address, admin, version, contract } = running.self;
  lifetime.tell({ type: 'ready', address, admin, version, contract });
  lifetime.log.info('serving', { address, version, contract });
  return async () => {
    lifetime.tell({ type: 'state', state: 'draining' });
    await running.stop(graceMs);
    await telemetry.close();
  };
});
