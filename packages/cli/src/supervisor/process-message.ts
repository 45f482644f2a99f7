/** What a supervised process tells its supervisor over IPC. Boundary input: an entry may send anything. */

import type { ControlDocument } from 'flotilla';
import type { Fatal } from '../supervision/fleet-state.ts';

export interface ReadyMessage {
  readonly type: 'ready';
  /** Where its wire listens. */
  readonly address?: string;
  readonly admin?: string;
  readonly version?: string;
  /** Hash of the contract it serves. */
  readonly contract?: string;
  /** Where the outside reaches it (gateway, broker). */
  readonly url?: string;
}

/** A backup that was asked for is on disk, or is not. */
export interface BackupMessage {
  readonly type: 'backup';
  readonly id: number;
  /** Of the broker. */
  readonly error?: { readonly code: string; readonly message: string; readonly repair: string };
}

export type ProcessMessage =
  /** Its code is loaded; it waits to be started, if it has to. */
  | { readonly type: 'loaded' }
  | ReadyMessage
  | { readonly type: 'state'; readonly state: 'draining' }
  | { readonly type: 'fatal'; readonly fatal: Fatal }
  /** It answers a ping, from its event loop. */
  | { readonly type: 'pong'; readonly id: number }
  | BackupMessage;

/** What a supervisor tells a process. Every program of a fleet answers pings: silence is taken for the end. */
export type SupervisorMessage =
  /** To a process on standby: run your program, with what was not yet known of the environment. */
  | { readonly type: 'start'; readonly env: NodeJS.ProcessEnv }
  | { readonly type: 'ping'; readonly id: number }
  /** To the broker: copy what is stored into this new directory, an absolute path. */
  | { readonly type: 'backup'; readonly id: number; readonly directory: string }
  /** What an operator has decided: replaces what was told before. */
  | { readonly type: 'control'; readonly document: ControlDocument };

/** Undefined for a message that is not of this protocol: a service may use the channel for its own libraries. */
export function parseProcessMessage(message: unknown): ProcessMessage | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const fields: Record<string, unknown> = { ...message };
  const text = (name: string) => {
    const value = fields[name];
    return typeof value === 'string' ? { [name]: value } : {};
  };
  switch (fields.type) {
    case 'ready':
      return {
        type: 'ready',
        ...text('address'),
        ...text('admin'),
        ...text('version'),
        ...text('contract'),
        ...text('url'),
      };
    case 'loaded':
      return { type: 'loaded' };
    case 'pong':
      return typeof fields.id === 'number' ? { type: 'pong', id: fields.id } : undefined;
    case 'backup':
      return typeof fields.id === 'number'
        ? { type: 'backup', id: fields.id, ...backupError(fields.error) }
        : undefined;
    case 'state':
      return fields.state === 'draining' ? { type: 'state', state: 'draining' } : undefined;
    case 'fatal': {
      const fatal = { message: 'it cannot start', code: 'internal', ...text('message'), ...text('code') };
      return { type: 'fatal', fatal: { ...fatal, ...text('repair') } };
    }
    default:
      return undefined;
  }
}

function backupError(error: unknown): Pick<BackupMessage, 'error'> {
  if (typeof error !== 'object' || error === null) return {};
  const { code, message, repair }: Record<string, unknown> = { ...error };
  return { error: { code: String(code), message: String(message), repair: String(repair) } };
}
