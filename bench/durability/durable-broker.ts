/** A broker that keeps its data, to be killed and started again on the same port and directory. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';

export interface DurableBrokerOptions {
  /** The data directory. */
  readonly data: string;
  /** Default `disk`. */
  readonly durability?: 'disk' | 'process';
  /** Where compiled code is kept from one process to the next, as the supervisor of a fleet does it. */
  readonly cache: string;
  /** Added to its environment: what is preloaded, for example. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class DurableBroker {
  readonly #options: DurableBrokerOptions;
  #port = 0;
  #child: ChildProcess | undefined;
  #ended: Promise<Ending> | undefined;
  #log = '';

  constructor(options: DurableBrokerOptions) {
    this.#options = options;
  }

  get servers(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** What the last process wrote to standard error. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when it accepts connections. Rejects when it ends instead. */
  async start(): Promise<void> {
    if (this.#port === 0) this.#port = await freePort();
    const { data, durability = 'disk', cache, environment = {} } = this.#options;
    const child = fork(join(import.meta.dirname, 'broker-program.ts'), [`${this.#port}`, data, durability], {
      env: { ...process.env, NODE_COMPILE_CACHE: cache, ...environment },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#log = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    // The end of its output, not of the process: what it wrote last may come after that.
    this.#ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
    const ready = once(child, 'message').then(() => undefined);
    const ending = await Promise.race([ready, this.#ended]);
    if (ending !== undefined)
      throw new Error(`the broker ended with ${ending.code ?? ending.signal}: ${this.#log}`);
  }

  /** How it ends by itself. */
  async ended(): Promise<Ending> {
    return this.#ended!;
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Lets it close what it has open. */
  async stop(): Promise<void> {
    if (this.#child?.connected) this.#child.send('stop');
    await this.#ended;
  }
}
