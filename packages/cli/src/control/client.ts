/** The control socket's calling side: finds the fleet's socket and token in its data directory. */

import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { ControlDocument } from 'flotilla';
import type { PolicyRules } from 'flotilla/policy-rules';
import { deriveToken } from 'flotilla/secret';
import { type FleetRecord, readRecord } from '../data/fleet-record.ts';
import { layoutOf } from '../data/layout.ts';
import { isAlive } from '../data/process-identity.ts';
import { readSecret } from '../data/secret.ts';
import type { FoundFleet } from '../data/which-fleet.ts';
import { codeOf, EXIT_STATUS, Failure, type FailureCode, messageOf } from '../failure.ts';
import type { LogEntry } from '../logs/entry.ts';
import type { FaultOrder, FaultView } from '../steering/fault-order.ts';
import type { BreakerOrder } from '../steering/steering.ts';
import type { InstanceView } from '../supervisor/supervisor.ts';
import type { FleetStatus } from './protocol.ts';
import type { RestartEvent } from './restart-route.ts';

// Not by `import`: that reads every export, and one of them loads a WebSocket client, 50 ms at each start of a process.
const { request } = process.getBuiltinModule('node:http');

export interface LogRequest {
  readonly service?: string;
  readonly lines: number;
  readonly follow: boolean;
}

export class ControlClient {
  readonly record: FleetRecord;
  readonly secret: string;
  readonly #token: string;

  constructor(record: FleetRecord, secret: string) {
    this.record = record;
    this.secret = secret;
    this.#token = deriveToken(secret, 'control');
  }

  /**
   * Where members connect.
   *
   * @throws Failure `not_running` as long as that is not known.
   */
  get natsUrl(): string {
    const { natsUrl, name } = this.record;
    if (natsUrl !== undefined) return natsUrl;
    throw new Failure('not_running', `the fleet ${name} has no broker yet`, {
      repair: 'try again when it is ready',
    });
  }

  status(): Promise<FleetStatus> {
    return this.#json('GET', '/status');
  }

  instances(): Promise<InstanceView[]> {
    return this.#json('GET', '/instances');
  }

  async restart(name: string): Promise<void> {
    (await this.#request('POST', `/restart/${encodeURIComponent(name)}`)).resume();
  }

  /** Without a name: every service. Ends with `done` or `failed`. */
  rollingRestart(name: string | undefined): AsyncGenerator<RestartEvent> {
    const which = name === undefined ? '' : `/${encodeURIComponent(name)}`;
    return this.#lines('POST', `/restart${which}?rolling=1`);
  }

  /** What every process was told last. */
  controlDocument(): Promise<ControlDocument> {
    return this.#json('GET', '/control');
  }

  faults(): Promise<FaultView[]> {
    return this.#json('GET', '/faults');
  }

  addFaults(order: FaultOrder): Promise<FaultView[]> {
    return this.#json('POST', '/faults', order);
  }

  /** Without an id: all. Returns those that it ended. */
  clearFaults(id?: string): Promise<FaultView[]> {
    return this.#json('DELETE', `/faults?${new URLSearchParams(id === undefined ? {} : { id })}`);
  }

  setPolicy(selector: string, settings: readonly string[]): Promise<PolicyRules> {
    return this.#json('POST', '/policies', { selector, settings });
  }

  clearPolicies(selector?: string, keys: readonly string[] = []): Promise<PolicyRules> {
    const query = new URLSearchParams(keys.map((key) => ['key', key]));
    if (selector !== undefined) query.set('selector', selector);
    return this.#json('DELETE', `/policies?${query}`);
  }

  setBreaker(selector: string, order: BreakerOrder): Promise<ControlDocument['breakers']> {
    return this.#json('POST', '/breakers', { selector, order });
  }

  /**
   * Lets the broker copy what it has stored into a new directory; resolves when that is on disk.
   *
   * @param directory absolute path
   */
  async backup(directory: string): Promise<void> {
    (await this.#request('POST', '/backup', { directory })).resume();
  }

  async stop(): Promise<void> {
    (await this.#request('POST', '/stop')).resume();
  }

  logs({ service, lines, follow }: LogRequest): AsyncGenerator<LogEntry> {
    const query = new URLSearchParams({ lines: String(lines) });
    if (service !== undefined) query.set('service', service);
    if (follow) query.set('follow', '1');
    return this.#lines('GET', `/logs?${query}`);
  }

  /** JSON lines, until the fleet ends them or stops. */
  async *#lines<T>(method: string, path: string): AsyncGenerator<T> {
    const response = await this.#request(method, path);
    try {
      for await (const line of createInterface({ input: response })) {
        if (line !== '') yield JSON.parse(line);
      }
    } catch (error) {
      // A fleet that stops cuts the connection of its followers: what they read ends there.
      if (codeOf(error) !== 'ECONNRESET') throw error;
    } finally {
      response.on('error', () => {});
      response.destroy();
    }
  }

  async #json<T>(method: string, path: string, body?: object): Promise<T> {
    return JSON.parse(await textOf(await this.#request(method, path, body)));
  }

  #request(method: string, path: string, body?: object): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const call = request({
        socketPath: this.record.socket,
        method,
        path,
        headers: { authorization: `Bearer ${this.#token}`, host: 'control' },
      });
      call.on('error', (error) => reject(unreachable(error, this.record)));
      call.on('response', (response) => {
        if ((response.statusCode ?? 500) < 400) resolve(response);
        else refusal(response).then(reject, reject);
      });
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/** @throws Failure `not_running` when no fleet runs on the data directory. */
export function connectControl({ data, because }: FoundFleet): ControlClient {
  const layout = layoutOf(data);
  const record = readRecord(layout.recordFile);
  if (record === undefined || !isAlive(record.supervisor)) {
    throw new Failure('not_running', `no fleet is running on ${data} (the data directory ${because})`, {
      repair: 'start it with flotilla up, or name another with --data <directory> or --config <file>',
    });
  }
  try {
    return new ControlClient(record, readSecret(layout.secretFile));
  } catch (error) {
    throw new Failure('unsafe_permissions', `the fleet's secret cannot be read: ${messageOf(error)}`, {
      cause: error,
      repair: 'run the command as the user who started the fleet',
    });
  }
}

function unreachable(error: unknown, record: FleetRecord): Failure {
  const gone = codeOf(error) === 'ENOENT' || codeOf(error) === 'ECONNREFUSED';
  const message = `the control socket ${record.socket} ${gone ? 'is gone' : 'failed'}: ${messageOf(error)}`;
  return new Failure('not_running', message, {
    cause: error,
    repair: `see whether the supervisor (pid ${record.supervisor.pid}) still starts or already stops, and try again`,
  });
}

async function refusal(response: IncomingMessage): Promise<Failure> {
  const body: unknown = JSON.parse(await textOf(response));
  const fields: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {};
  const code = typeof fields.code === 'string' && isFailureCode(fields.code) ? fields.code : 'internal';
  const repair = typeof fields.repair === 'string' ? { repair: fields.repair } : {};
  return new Failure(code, String(fields.message ?? `control answered ${response.statusCode}`), repair);
}

function isFailureCode(code: string): code is FailureCode {
  return code in EXIT_STATUS;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  return text;
}
