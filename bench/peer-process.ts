/** A child process of a benchmark, told over IPC what to do: it answers one request after the other. */
import { type ChildProcess, fork } from 'node:child_process';

/** What every answer may say instead of what was asked for. */
export interface Refusal {
  readonly error?: string;
}

export class PeerProcess<Request extends object, Answer extends Refusal> {
  readonly #child: ChildProcess;

  /**
   * @param module what runs in it; it calls {@link answerAsPeer}.
   * @param execArgv options for Node.
   */
  constructor(module: string, execArgv: readonly string[] = []) {
    this.#child = fork(module, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [...execArgv] });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  ask(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null) =>
        reject(new Error(`a benchmark process ended with code ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (answer: Answer) => {
        this.#child.off('exit', onExit);
        if (answer.error) reject(new Error(answer.error));
        else resolve(answer);
      });
      this.#child.send(request);
    });
  }

  /** It ends by itself, and with what it started, when its parent is gone; by force when it does not. */
  kill(): void {
    if (this.#child.connected) this.#child.disconnect();
    setTimeout(() => this.#child.kill('SIGKILL'), 1_000).unref();
  }
}

/** The other side: answers its parent until that is gone. */
export function answerAsPeer<Request, Answer extends Refusal>(
  answer: (request: Request) => Promise<Answer>,
): void {
  process.on('message', (request: Request) => {
    answer(request)
      .catch((error: unknown) => ({ error: error instanceof Error ? error.stack! : String(error) }))
      .then((result) => process.send!(result));
  });
  process.on('disconnect', () => process.exit(0));
}
