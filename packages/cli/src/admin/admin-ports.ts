/** Asks the processes of a running fleet at their admin ports. The token is derived from the fleet's secret. */

import type { IncomingMessage } from 'node:http';
import { deriveToken } from 'flotilla/secret';
import type { ControlClient } from '../control/client.ts';
import { messageOf } from '../failure.ts';
import type { InstanceView } from '../supervisor/supervisor.ts';

// Not by `import`: that reads every export, and one of them loads a WebSocket client, 50 ms at each start of a process.
const { Agent, request } = process.getBuiltinModule('node:http');

/** An answer, and who gave it. */
export interface Answer<T> {
  readonly service: string;
  readonly instance: string;
  readonly body: T;
}

/** A process that did not answer, and why. */
export interface Silence {
  readonly service: string;
  readonly instance: string;
  readonly reason: string;
}

export interface Answers<T> {
  readonly answers: readonly Answer<T>[];
  readonly silent: readonly Silence[];
}

/** A process that runs answers within milliseconds; one that is paused or whose event loop is blocked never does. */
const ANSWER_MS = 2_000;

export class AdminPorts {
  readonly #token: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor({ secret }: Pick<ControlClient, 'secret'>) {
    this.#token = deriveToken(secret, 'admin');
  }

  /** Asks all of these processes at the same time. The broker has no admin port, so it is not asked. */
  async askAll<T>(instances: readonly InstanceView[], path: string): Promise<Answers<T>> {
    const asked = instances.filter(({ service }) => service !== 'broker');
    const outcomes = await Promise.all(asked.map((view) => this.#outcome<T>(view, path)));
    return {
      answers: outcomes.filter((each) => 'body' in each),
      silent: outcomes.filter((each) => 'reason' in each),
    };
  }

  /**
   * @param body what to send with it, by POST.
   * @throws Error that says what is wrong, for people.
   */
  async ask<T>(url: string, path: string, body?: string): Promise<T> {
    const response = await this.#request(`${url}${path}`, body);
    const text = await textOf(response);
    if (response.statusCode === 200) return JSON.parse(text) as T;
    const said = reasonIn(text);
    throw new Error(said ?? `answered with status ${response.statusCode}`);
  }

  async #outcome<T>(view: InstanceView, path: string): Promise<Answer<T> | Silence> {
    const { service, instance, admin, pid, state } = view;
    if (admin === null || pid === null) return { service, instance, reason: `is ${state}` };
    try {
      return { service, instance, body: await this.ask<T>(admin, path) };
    } catch (error) {
      return { service, instance, reason: messageOf(error) };
    }
  }

  #request(url: string, body: string | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const call = request(url, {
        method: body === undefined ? 'GET' : 'POST',
        agent: this.#agent,
        headers: { authorization: `Bearer ${this.#token}` },
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      call.on('response', resolve);
      call.on('error', (error) => {
        const late = error.name === 'AbortError' || error.name === 'TimeoutError';
        reject(late ? new Error(`did not answer within ${ANSWER_MS / 1000} s`) : error);
      });
      call.end(body);
    });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  return text;
}

function reasonIn(text: string): string | undefined {
  try {
    const { code, message } = JSON.parse(text) as { code?: unknown; message?: unknown };
    return typeof message === 'string' ? `${code}: ${message}` : undefined;
  } catch {
    return undefined;
  }
}
