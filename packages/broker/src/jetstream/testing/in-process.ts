/** JetStream without sockets, for tests: on a router of its own, with a client in the same process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerError } from '../../broker-error.ts';
import { LocalClient } from '../../routing/local-client.ts';
import { Router } from '../../routing/router.ts';
import { withHeaders } from '../header-block.ts';
import { JetStream } from '../jetstream.ts';
import type { DiskSpace } from '../store/free-space.ts';

const DEADLINE_MS = 10_000;

export type Json = Readonly<Record<string, unknown>>;

export interface Reply {
  readonly headers: string;
  readonly body: string;
}

export interface InProcess {
  readonly router: Router;
  readonly client: LocalClient;
  readonly jetStream: JetStream;
  /** What was logged as an error. */
  readonly problems: string[];
  readonly fatal: BrokerError[];
  /** The response to a request on `$JS.API.<subject>`, without its type. */
  api(subject: string, body?: Json | string): Promise<Json>;
  /** The acknowledgement of a published message. */
  publish(subject: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<Json>;
  request(subject: string, body: string, headers?: Buffer): Promise<Reply>;
  /** The `state` of a stream. */
  state(stream: string, options?: Json): Promise<Json>;
  close(): void;
}

export interface InProcessOptions {
  readonly data?: string | undefined;
  readonly durability?: 'disk' | 'process';
  /** What the file system says that it has. */
  readonly diskSpace?: () => DiskSpace;
}

export function startInProcess({ data, durability = 'disk', diskSpace }: InProcessOptions = {}): InProcess {
  const router = new Router();
  const problems: string[] = [];
  const fatal: BrokerError[] = [];
  const jetStream = new JetStream({
    router,
    log(level, message) {
      if (level === 'error') problems.push(message);
    },
    data,
    durability,
    onFatal: (error) => fatal.push(error),
    flushClients() {},
    ...(diskSpace && { diskSpace }),
  });
  const client = new LocalClient(router, (error) => {
    throw error;
  });
  let inbox = 0;

  const request = async (subject: string, body: string, headers?: Buffer): Promise<Reply> => {
    const reply = `_INBOX.${++inbox}`;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const end = client.subscribe(reply, (_subject, _reply, head, content) =>
      resolve({ headers: head?.toString('latin1') ?? '', body: content.toString() }),
    );
    const deadline = setTimeout(() => reject(new Error(`no answer to ${subject} ${body}`)), DEADLINE_MS);
    caller.publish(subject, Buffer.from(body), { reply, ...(headers && { headers }) });
    try {
      return await promise;
    } finally {
      clearTimeout(deadline);
      end();
    }
  };
  // A client of its own: no client sees what it publishes itself.
  const caller = new LocalClient(router, (error) => {
    throw error;
  });

  const api = async (subject: string, body: Json | string = ''): Promise<Json> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const { type: _, ...rest }: Json = JSON.parse((await request(`$JS.API.${subject}`, text)).body);
    return rest;
  };

  return {
    router,
    client,
    jetStream,
    problems,
    fatal,
    api,
    request,
    async publish(subject, body = '', headers) {
      const block = headers && withHeaders(undefined, Object.entries(headers));
      return JSON.parse((await request(subject, body, block)).body);
    },
    async state(stream, options = {}) {
      return (await api(`STREAM.INFO.${stream}`, options)).state as Json;
    },
    close: () => jetStream.close(),
  };
}

/** A folder that is removed after `use`. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-broker-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits until something holds. */
export async function waitUntil(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await delay(5);
  }
}
