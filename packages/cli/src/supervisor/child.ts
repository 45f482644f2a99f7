/** One supervised process: spawned, listened to, signalled, and described when it ends. */

import { type ChildProcess, spawn } from 'node:child_process';
import { codeOf, messageOf } from '../failure.ts';
import { childOutput } from '../logs/child-output.ts';
import type { LogEntry, Origin } from '../logs/entry.ts';
import { Ring } from '../logs/ring.ts';
import { type ProcessMessage, parseProcessMessage, type SupervisorMessage } from './process-message.ts';
import { wakeAfterUs } from './waker.ts';

export interface ChildSpec {
  readonly unit: string;
  readonly instance: string;
  /** Arguments of Node: its options, the module, the module's arguments. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface ChildEnd {
  /** How it ended and its last words, e.g. `exited with code 1: Error: no such file`. */
  readonly description: string;
  /** With exit code 0. */
  readonly clean: boolean;
}

export interface ChildListener {
  message(message: ProcessMessage): void;
  log(entry: LogEntry): void;
  /** Once, after everything it wrote was read. */
  end(end: ChildEnd): void;
}

export interface Child {
  /** Undefined when it could not be spawned; `end` says why. */
  readonly pid: number | undefined;
  /**
   * SIGTERM wakes a stopped process too, so that it can obey. One stopped by SIGSTOP goes on when the supervisor is killed, so
   * that it can notice that.
   */
  signal(signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** Over IPC. A process that is gone hears nothing. */
  send(message: SupervisorMessage): void;
}

const LAST_WORDS = 4;
/** A grandchild may hold the pipes open after the process is gone. */
const PIPE_GRACE_MS = 250;

export function spawnChild(spec: ChildSpec, scrub: (line: string) => string, listener: ChildListener): Child {
  const child = spawn(process.execPath, spec.args, {
    env: spec.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Its own process group: Ctrl-C in a terminal goes to the supervisor alone, which decides the order of the stop.
    detached: true,
    serialization: 'json',
  });
  const words = new Ring<string>(LAST_WORDS);
  const read = (stream: Origin['stream']): void => {
    const emit = (entry: LogEntry): void => {
      if (stream === 'stderr' || entry.level === 'error' || entry.level === 'fatal') words.push(entry.msg);
      listener.log(entry);
    };
    const output = childOutput(
      { service: spec.unit, instance: spec.instance, stream },
      scrub,
      () => new Date(),
      emit,
    );
    child[stream]?.on('data', (chunk: Buffer) => output.push(chunk));
    child[stream]?.on('end', () => output.end());
    child[stream]?.on('error', () => {});
  };
  read('stdout');
  read('stderr');
  child.on('message', (message) => {
    const parsed = parseProcessMessage(message);
    if (parsed !== undefined) listener.message(parsed);
  });
  let letSleep: (() => void) | undefined;
  onceGone(child, (how, clean) => {
    letSleep?.();
    killStragglers(child.pid);
    const said = words.last(LAST_WORDS).join('\n').trim();
    listener.end({ description: said === '' || clean ? how : `${how}: ${lastLines(said)}`, clean });
  });
  return {
    pid: child.pid,
    signal(signal) {
      letSleep?.();
      letSleep = signal === 'SIGSTOP' && child.pid !== undefined ? wakeAfterUs(child.pid) : undefined;
      child.kill(signal);
      if (signal === 'SIGTERM') child.kill('SIGCONT');
    },
    send(message) {
      if (child.connected) child.send(message, () => {});
    },
  };
}

function onceGone(child: ChildProcess, gone: (how: string, clean: boolean) => void): void {
  let ended = false;
  const end = (how: string, clean: boolean): void => {
    if (ended) return;
    ended = true;
    gone(how, clean);
  };
  child.on('error', (error) => {
    // Also emitted when a signal cannot be delivered; only a failed spawn leaves no pid.
    if (child.pid === undefined) end(`could not be started: ${messageOf(error)}`, false);
  });
  child.on('exit', (code, signal) => {
    const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
    child.on('close', () => end(how, code === 0));
    setTimeout(() => end(how, code === 0), PIPE_GRACE_MS).unref();
  });
}

/** Whatever the process started in its group and left behind. */
function killStragglers(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error;
  }
}

/** Enough to recognise the failure: of a stack trace, its message and first frames. */
function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const error = lines.findIndex((line) => /^(?:\w*Error|\w+ \[\w+\]|Uncaught)\b/.test(line.trim()));
  const from = error >= 0 ? error : Math.max(0, lines.length - 3);
  return lines
    .slice(from, from + 3)
    .map((line) => line.trim())
    .join(' | ')
    .slice(0, 600);
}
