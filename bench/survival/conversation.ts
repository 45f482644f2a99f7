/** A child process that answers one question after the other over IPC. */
import { type ChildProcess, fork } from 'node:child_process';

export interface Answer<Result> {
  readonly result?: Result;
  readonly error?: string;
}

export class Conversation<Questions extends Record<string, (question: never) => unknown>> {
  readonly #child: ChildProcess;

  constructor(path: string, environment: NodeJS.ProcessEnv) {
    this.#child = fork(path, {
      env: environment,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  ask<Name extends keyof Questions & string>(
    name: Name,
    question: Parameters<Questions[Name]>[0],
  ): Promise<Awaited<ReturnType<Questions[Name]>>> {
    type Result = Awaited<ReturnType<Questions[Name]>>;
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null) =>
        reject(new Error(`it ended with ${code} when asked to ${name}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', ({ result, error }: Answer<Result>) => {
        this.#child.off('exit', onExit);
        if (error !== undefined) reject(new Error(error));
        else resolve(result as Result);
      });
      this.#child.send({ name, question });
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The other end: answers until the parent is gone. */
export function answerQuestions(questions: Record<string, (question: never) => unknown>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', async ({ name, question }: { name: string; question: never }) => {
    try {
      process.send!({ result: await questions[name]!(question) });
    } catch (error) {
      process.send!({ error: (error as Error).stack ?? String(error) });
    }
  });
}
