/**
 * One POST to a collector, over `node:http`: one connection that is kept, a time limit on the whole exchange, and never
 * a rejection, since every outcome is one to deal with.
 */
import type { Agent, IncomingMessage } from 'node:http';
import type { Destination } from './configuration.ts';

/** What came of a request. */
export type PostOutcome =
  | { readonly status: number; readonly retryAfter: string | undefined; readonly body: Buffer }
  | { readonly status: undefined; readonly reason: string };

/** Longest answer that is read; collectors answer with some bytes. */
const largestAnswer = 64 * 1024;

export class HttpPoster {
  readonly #destination: Destination;
  readonly #module: typeof import('node:http') | typeof import('node:https');
  readonly #agent: Agent;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(destination: Destination, contentType: string) {
    this.#destination = destination;
    const { url, headers, compression, certificates } = destination;
    // Not by `import`: that reads every export, and one of them loads a WebSocket client, 50 ms.
    this.#module = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
    this.#agent = new this.#module.Agent({ keepAlive: true, maxSockets: 1, ...certificates });
    this.#headers = {
      'user-agent': 'flotilla-otlp-exporter',
      ...headers,
      'content-type': contentType,
      ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
    };
  }

  /** @param stop aborts the exchange. */
  post(body: Uint8Array, stop: AbortSignal): Promise<PostOutcome> {
    const { url, timeoutMs } = this.#destination;
    return new Promise((resolve) => {
      const request = this.#module.request(url, {
        method: 'POST',
        agent: this.#agent,
        headers: { ...this.#headers, 'content-length': String(body.length) },
      });
      const finish = (outcome: PostOutcome) => {
        clearTimeout(timer);
        stop.removeEventListener('abort', onStop);
        resolve(outcome);
      };
      const fail = (reason: string) => {
        request.destroy();
        finish({ status: undefined, reason });
      };
      const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
      const onStop = () => fail('the process ends');
      request.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
      request.on('response', (response) => {
        readAnswer(response).then(
          (answer) =>
            finish({
              status: response.statusCode ?? 0,
              retryAfter: response.headers['retry-after'],
              body: answer,
            }),
          (error: NodeJS.ErrnoException) => fail(error.code ?? error.message),
        );
      });
      stop.addEventListener('abort', onStop, { once: true });
      if (stop.aborted) onStop();
      else request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function readAnswer(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestAnswer) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
