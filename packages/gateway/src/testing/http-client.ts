/** HTTP as tests need it: complete requests with `node:http`, and bytes as they are on a raw socket. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

/** Sends `target` as it is, without normalising it as `fetch` does. */
export async function send(port: number, target: string, sent: Sent = {}): Promise<Answered> {
  const response = await open(port, target, sent);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    status: response.statusCode!,
    headers: response.headers as Record<string, string>,
    text,
    json: <T>() => JSON.parse(text) as T,
  };
}

/** Resolves with the response when its head has come. */
export async function open(port: number, target: string, sent: Sent = {}): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body } = sent;
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path: target,
    method,
    headers,
    agent: new Agent({ keepAlive: false }),
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
}

export function postJson(value: unknown, headers: Record<string, string> = {}): Sent {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof value === 'string' ? value : JSON.stringify(value),
  };
}

/** Writes `bytes` on a fresh connection and gives back all that comes until the other side closes, or `enough` holds. */
export async function raw(
  port: number,
  bytes: string | Buffer,
  enough: (received: string) => boolean = () => false,
): Promise<string> {
  const socket = await dial(port);
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  return receive(socket, enough);
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  return socket;
}

export function receive(
  socket: Socket,
  enough: (received: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const done = () => {
      socket.destroy();
      resolve(received);
    };
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (enough(received)) done();
    });
    socket.on('error', done);
    socket.on('close', done);
  });
}

/** The statuses of the responses in `received`, in order. */
export function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** Waits until `holds`, at most `deadlineMs`. */
export async function until(holds: () => boolean, what: string, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
