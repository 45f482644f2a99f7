/** A broker in a process of its own, for tests that stop or kill it. Run as a program it is that process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { startBroker } from '@flotilla/broker';

if (process.env.TEST_BROKER_TOKEN !== undefined && process.send) {
  process.once('disconnect', () => process.exit());
  const port = Number(process.env.TEST_BROKER_PORT);
  const broker = await startBroker({ port, credentials: [{ token: process.env.TEST_BROKER_TOKEN }] });
  process.send(broker.url);
}

export class BrokerProcess {
  readonly #token: string;
  #child: ChildProcess | undefined;
  #url = '';

  constructor(token: string) {
    this.#token = token;
  }

  get url(): string {
    return this.#url;
  }

  /** Starts it, on the port that it had before. */
  async start(): Promise<void> {
    const port = this.#url === '' ? '0' : new URL(this.#url).port;
    const child = fork(import.meta.filename, {
      env: { ...process.env, TEST_BROKER_TOKEN: this.#token, TEST_BROKER_PORT: port },
    });
    this.#child = child;
    const [url] = await once(child, 'message');
    this.#url = url;
  }

  /** It hangs: its connections stay, and nothing comes over them. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
}
