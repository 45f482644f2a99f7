/** A client that sends exactly the bytes it is told to and writes down everything that comes back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type ServerEvent =
  | {
      readonly kind: 'message';
      readonly subject: string;
      readonly sid: string;
      readonly reply: string;
      readonly headers: string;
      readonly body: string;
    }
  | { readonly kind: 'ok' }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'info'; readonly info: Readonly<Record<string, unknown>> }
  | { readonly kind: 'ping' | 'pong' };

const DEADLINE_MS = 10_000;

export class RawClient {
  readonly events: ServerEvent[] = [];
  closed = false;
  readonly #socket: Socket;
  readonly #answerPings: boolean;
  #received = Buffer.alloc(0);
  #pongs = 0;
  #pongsAwaited = 0;
  #changed: (() => void) | undefined;

  private constructor(socket: Socket, answerPings: boolean) {
    this.#socket = socket;
    this.#answerPings = answerPings;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // A reset is one of the ways in which a server closes; the close event follows.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#changed?.();
    });
  }

  /** Connects and waits for INFO. */
  static async connect(port: number, answerPings = true): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const client = new RawClient(socket, answerPings);
    await once(socket, 'connect');
    await client.until(() => client.events.some((event) => event.kind === 'info'));
    return client;
  }

  get info(): Readonly<Record<string, unknown>> {
    const last = this.events.findLast((event) => event.kind === 'info');
    return last?.kind === 'info' ? last.info : {};
  }

  /** Text of one byte per character. */
  send(wire: string): void {
    if (!this.closed) this.#socket.write(Buffer.from(wire, 'latin1'));
  }

  /** Waits until the server has dealt with everything sent so far, or has closed the connection. */
  async sync(): Promise<void> {
    if (this.closed) return;
    const awaited = ++this.#pongsAwaited;
    this.send('PING\r\n');
    await this.until(() => this.#pongs >= awaited || this.closed);
  }

  async untilClosed(): Promise<void> {
    await this.until(() => this.closed);
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#changed = resolve;
      deadline.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      if (deadline.aborted && !condition()) {
        throw new Error(`waited in vain; received so far: ${JSON.stringify(this.events)}`);
      }
    }
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#next());
    this.#changed?.();
  }

  #next(): boolean {
    const end = this.#received.indexOf('\r\n');
    if (end === -1) return false;
    const line = this.#received.toString('latin1', 0, end);
    const [verb = '', ...words] = line.split(' ');
    if (verb !== 'MSG' && verb !== 'HMSG') {
      this.#received = this.#received.subarray(end + 2);
      this.#control(verb, line);
      return true;
    }
    const size = Number(words.at(-1));
    if (this.#received.length < end + 2 + size + 2) return false;
    const head = verb === 'HMSG' ? Number(words.at(-2)) : 0;
    const sizes = verb === 'HMSG' ? 2 : 1;
    const payload = this.#received.toString('latin1', end + 2, end + 2 + size);
    this.events.push({
      kind: 'message',
      subject: words[0]!,
      sid: words[1]!,
      reply: words.length - sizes === 3 ? words[2]! : '',
      headers: payload.slice(0, head),
      body: payload.slice(head),
    });
    this.#received = this.#received.subarray(end + 2 + size + 2);
    return true;
  }

  #control(verb: string, line: string): void {
    if (verb === 'INFO') this.events.push({ kind: 'info', info: JSON.parse(line.slice(5)) });
    else if (verb === '+OK') this.events.push({ kind: 'ok' });
    else if (verb === '-ERR') this.events.push({ kind: 'error', text: line.slice(5) });
    else if (verb === 'PONG') {
      this.#pongs++;
      this.events.push({ kind: 'pong' });
    } else if (verb === 'PING') {
      this.events.push({ kind: 'ping' });
      if (this.#answerPings) this.send('PONG\r\n');
    } else throw new Error(`the server sent ${JSON.stringify(line)}`);
  }
}
