/**
 * The life of a supervised process: what it tells its supervisor, what it is told, how it ends. It ends cleanly on
 * SIGTERM, SIGINT or when the supervisor is gone, and loudly when it cannot go on. It answers the supervisor's pings
 * from its event loop: one that does not turn any more is recognised by its silence.
 */
import { FlotillaError } from '../errors/flotilla-error.ts';
import { ControlDocument } from '../fleet/control-document.ts';
import type { Logger } from '../telemetry/log.ts';
import { restWhenIdle } from './idle-process.ts';

export type ProcessMessage =
  | {
      readonly type: 'ready';
      readonly address?: string;
      readonly admin?: string | undefined;
      readonly version?: string;
      readonly contract?: string;
      readonly url?: string;
    }
  | { readonly type: 'state'; readonly state: 'draining' }
  | { readonly type: 'fatal'; readonly code: string; readonly message: string }
  | { readonly type: 'pong'; readonly id: number };

export type ControlListener = (document: ControlDocument) => void;

export interface ProcessLifetime {
  readonly log: Logger;
  /** Starts the process's work; what it resolves to stops it. */
  run(start: () => Promise<() => Promise<void>>): Promise<void>;
  /**
   * Hears what an operator sets at run time: the last document that came, if one has, and every later one. What held when
   * the process was started is in its environment (`readControl`). Returns what ends it.
   */
  onControl(listener: ControlListener): () => void;
  /** Tells the supervisor, if there is one. */
  tell(message: ProcessMessage): void;
  /** Ends the process now, with the reason in the log and at the supervisor: exit code 1. */
  fatal(error: unknown): void;
}

export function processLifetime(log: Logger): ProcessLifetime {
  let stop: (() => Promise<void>) | undefined;
  let ending = false;

  const tell = (message: ProcessMessage): void => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };

  const controlListeners = new Set<ControlListener>();
  let control: ControlDocument | undefined;

  const hear = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('type' in message)) return;
    if (message.type === 'ping' && 'id' in message) tell({ type: 'pong', id: Number(message.id) });
    if (message.type === 'control' && 'document' in message) obey(message.document);
  };

  const obey = (given: unknown): void => {
    const { data: document, error } = ControlDocument.safeParse(given);
    if (document === undefined) {
      log.warn('ignored a control document that is not one', { problem: error.message });
      return;
    }
    control = document;
    for (const listener of controlListeners) listener(document);
  };

  const fatal = (error: unknown): void => {
    if (ending) return;
    ending = true;
    const { code, message } =
      error instanceof FlotillaError ? error : { code: 'internal', message: String(error) };
    // What an operator can repair says so in its message; a defect needs its stack.
    log.error(message, code === 'internal' ? { error } : { code });
    process.exitCode = 1;
    const leave = () => process.exit(1);
    if (process.connected) process.send?.({ type: 'fatal', code, message }, undefined, undefined, leave);
    else leave();
    setTimeout(leave, 200);
  };

  const end = async (reason: string): Promise<void> => {
    if (ending) return;
    ending = true;
    log.info('stopping', { reason });
    try {
      await stop?.();
      process.exit(0);
    } catch (error) {
      log.error('did not stop cleanly', { error });
      process.exit(1);
    }
  };

  process.on('SIGTERM', () => void end('SIGTERM'));
  process.on('SIGINT', () => {
    // The terminal sends Ctrl-C to the whole group; the supervisor decides the order in which its children stop.
    if (!process.connected) void end('SIGINT');
  });
  process.on('message', hear);
  process.on('disconnect', () => void end('the supervisor is gone'));
  // It may have died before anybody listened.
  if (process.send && !process.connected) queueMicrotask(() => void end('the supervisor is gone'));
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);

  return {
    log,
    tell,
    fatal,
    onControl(listener) {
      controlListeners.add(listener);
      if (control !== undefined) listener(control);
      return () => controlListeners.delete(listener);
    },
    async run(start) {
      try {
        stop = await start();
        restWhenIdle();
      } catch (error) {
        fatal(error);
      }
    },
  };
}
