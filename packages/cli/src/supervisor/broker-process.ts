/**
 * The embedded broker as a supervised process: starts it from the environment, tells the supervisor, and ends on
 * SIGTERM or when the supervisor is gone. It loads little but the broker: everything else waits for it to be ready.
 */

import { type Broker, BrokerError, type BrokerOptions, startBroker } from '@flotilla/broker';
import { closeCompilersWhenIdle, setCompilers } from 'flotilla/idle-process';
import { deriveToken, readSecret } from 'flotilla/secret';
import { codeOf, messageOf } from '../failure.ts';
import { packageVersion } from '../package-version.ts';

const { env } = process;
const LEVELS = ['debug', 'info', 'warn', 'error'];
const threshold = Math.max(0, LEVELS.indexOf(env.FLOTILLA_LOG_LEVEL ?? 'info'));

function log(level: string, msg: string, fields: Readonly<Record<string, unknown>> = {}): void {
  if (LEVELS.indexOf(level) < threshold) return;
  const origin = { service: env.FLOTILLA_SERVICE, instance: env.FLOTILLA_INSTANCE };
  const line = { time: new Date(), level, ...origin, msg, ...fields };
  process.stdout.write(
    `${JSON.stringify(line, (_, value) => (value instanceof Error ? told(value) : value))}\n`,
  );
}

/** An error has its message and stack where JSON does not look. */
function told(error: Error): object {
  return { ...error, message: error.message, stack: error.stack };
}

function settingsFrom(json: string | undefined): Pick<BrokerOptions, 'limits' | 'serverName' | 'durability'> {
  const settings: BrokerOptions = JSON.parse(json ?? '{}');
  return {
    ...(settings.limits === undefined ? {} : { limits: settings.limits }),
    ...(settings.durability === undefined ? {} : { durability: settings.durability }),
    ...(settings.serverName === undefined ? {} : { serverName: settings.serverName }),
  };
}

function fail(error: unknown): void {
  const message = messageOf(error);
  log('error', message);
  process.exitCode = 1;
  const leave = (): void => process.exit(1);
  if (process.connected) {
    process.send?.(
      { type: 'fatal', code: codeOf(error) ?? 'internal', message },
      undefined,
      undefined,
      leave,
    );
  } else {
    leave();
  }
}

async function serve(): Promise<Broker> {
  setCompilers('open');
  const secret = readSecret(env);
  const broker = await startBroker({
    host: '127.0.0.1',
    port: Number(env.FLOTILLA_BROKER_PORT ?? 0),
    // Services use the derived token; an operator's NATS tool may use the secret itself.
    credentials: [{ token: deriveToken(secret, 'broker') }, { token: secret }],
    ...settingsFrom(env.FLOTILLA_BROKER_CONFIG),
    ...(env.FLOTILLA_DATA === undefined ? {} : { data: env.FLOTILLA_DATA }),
    // What it was writing is not acknowledged. A new process begins with what is on disk.
    onFatal: fail,
    log,
  });
  process.send?.({ type: 'ready', url: broker.url, version: packageVersion() });
  closeCompilersWhenIdle();
  return broker;
}

const serving = serve();
serving.catch(fail);

function backUp(id: unknown, directory: string): void {
  const answer = (error?: object): void => {
    if (process.connected) process.send?.({ type: 'backup', id, error }, undefined, undefined, () => {});
  };
  serving
    .then((broker) => broker.backup(directory))
    .then(
      () => {
        log('info', 'the store was backed up', { directory });
        answer();
      },
      (error: unknown) => {
        log('error', messageOf(error));
        answer({ code: codeOf(error) ?? 'internal', message: messageOf(error), repair: repairOf(error) });
      },
    );
}

function repairOf(error: unknown): string {
  return error instanceof BrokerError ? error.repair : 'see flotilla logs broker';
}

let ending = false;
function end(): void {
  if (ending) return;
  ending = true;
  serving
    .then((broker) => broker.close({ deadlineMs: 1_000 }))
    .then(
      () => process.exit(0),
      () => process.exit(1),
    );
}

process.on('message', (message: unknown) => {
  if (typeof message !== 'object' || message === null || !('type' in message)) return;
  if (message.type === 'ping' && 'id' in message && process.connected) {
    process.send?.({ type: 'pong', id: message.id }, undefined, undefined, () => {});
  }
  if (message.type === 'backup' && 'id' in message && 'directory' in message) {
    backUp(message.id, String(message.directory));
  }
});
process.on('SIGTERM', end);
process.on('SIGINT', end);
process.on('disconnect', end);
// The supervisor may have died before anything listened for it.
if (process.send !== undefined && !process.connected) end();
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
