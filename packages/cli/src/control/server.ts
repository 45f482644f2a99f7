/** The control socket's serving side. It is private twice: by the modes of its directory and file, and by a token. */

import { chmodSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isAbsolute } from 'node:path';
import { sameToken } from 'flotilla/secret';
import { z } from 'zod';
import { Failure } from '../failure.ts';
import type { LogEntry } from '../logs/entry.ts';
import type { LogQuery } from '../logs/log-store.ts';
import type { Steering } from '../steering/steering.ts';
import type { InstanceView } from '../supervisor/supervisor.ts';
import { type FleetStatus, HTTP_STATUS } from './protocol.ts';
import { bodyOf } from './request-body.ts';
import { type Restartable, restartPlainly, restartRolling } from './restart-route.ts';
import { steer } from './steering-routes.ts';

// Not by `import`: that reads every export, and one of them loads a WebSocket client, 50 ms at each start of a process.
const { createServer } = process.getBuiltinModule('node:http');

/** What the socket controls. */
export interface ControlTarget extends Restartable {
  status(): FleetStatus;
  instances(): InstanceView[];
  lastLogs(query: LogQuery): LogEntry[];
  followLogs(listener: (entry: LogEntry) => void): () => void;
  /** Service names that have logs. */
  readonly logNames: readonly string[];
  /** Lets the broker copy what it has stored into a new directory, an absolute path; resolves when that is on disk. */
  backup(directory: string): Promise<void>;
  stop(): void;
  readonly steering: Steering;
}

export interface ControlServer {
  close(): void;
}

/** A follower that reads slower than the fleet logs is cut off rather than remembered for. */
const MAX_BEHIND_BYTES = 4 * 1024 * 1024;
const DEFAULT_LINES = 100;
const BackupOrder = z.strictObject({
  directory: z.string().max(4_096).refine(isAbsolute, 'is not an absolute path'),
});

export async function serveControl(
  path: string,
  token: string,
  target: ControlTarget,
): Promise<ControlServer> {
  const server = createServer((request, response) => {
    answer(request, response, token, target).catch((error: unknown) => refuse(response, error));
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The socket is made within listen(): no other user can connect between that and a chmod.
    const umask = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(umask);
  });
  chmodSync(path, 0o600);
  return {
    close() {
      server.close();
      server.closeAllConnections();
      rmSync(path, { force: true });
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  token: string,
  target: ControlTarget,
): Promise<void> {
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined || !sameToken(given, token)) {
    response.setHeader('www-authenticate', 'Bearer');
    return send(response, 401, {
      code: 'unsafe_permissions',
      message: 'the control token is missing or wrong',
    });
  }
  const url = new URL(request.url ?? '/', 'http://control');
  const [, root = url.pathname, argument] = /^(\/restart)\/([^/]+)$/.exec(url.pathname) ?? [];
  const name = argument === undefined ? undefined : decodeURIComponent(argument);
  const route = `${request.method} ${root}`;
  switch (route) {
    case 'GET /status':
      return send(response, 200, target.status());
    case 'GET /instances':
      return send(response, 200, target.instances());
    case 'GET /logs':
      return sendLogs(response, url.searchParams, target);
    case 'POST /restart':
      if (url.searchParams.get('rolling') === '1') return restartRolling(response, target, name);
      if (name === undefined) throw new Failure('usage', 'a restart needs a name, or to be a rolling one');
      await restartPlainly(target, name);
      response.writeHead(204).end();
      return;
    case 'POST /backup':
      await target.backup((await bodyOf(request, BackupOrder)).directory);
      response.writeHead(204).end();
      return;
    case 'POST /stop':
      send(response, 202, {});
      target.stop();
      return;
    default: {
      const steered = await steer(route, url.searchParams, request, target.steering);
      if (steered !== undefined) return send(response, 200, steered);
      send(response, 404, { code: 'not_found', message: `no such control request: ${route}` });
    }
  }
}

function sendLogs(response: ServerResponse, query: URLSearchParams, target: ControlTarget): void {
  const service = query.get('service') ?? undefined;
  if (service !== undefined && !target.logNames.includes(service)) {
    throw new Failure('not_found', `there is no service "${service}" in this fleet`, {
      repair: `use one of ${target.logNames.join(', ')}`,
    });
  }
  const lines = Number(query.get('lines') ?? DEFAULT_LINES);
  if (!Number.isSafeInteger(lines) || lines < 0) throw new Failure('usage', 'lines must be a whole number');
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const last = target.lastLogs({ lines, ...(service === undefined ? {} : { service }) });
  response.write(last.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  if (query.get('follow') !== '1') {
    response.end();
    return;
  }
  response.flushHeaders();
  const unfollow = target.followLogs((entry) => {
    if (service !== undefined && entry.service !== service) return;
    if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
    else response.write(`${JSON.stringify(entry)}\n`);
  });
  response.on('close', unfollow);
}

function refuse(response: ServerResponse, error: unknown): void {
  const failure = error instanceof Failure ? error : new Failure('internal', String(error));
  const { code, message, repair } = failure;
  send(response, HTTP_STATUS[code] ?? 500, { code, message, ...(repair === undefined ? {} : { repair }) });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
