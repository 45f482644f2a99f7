/** What a supervised process tells its supervisor over IPC. Boundary input: an entry may send anything. */

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

export type ProcessMessage =
  /** Its code is loaded; it waits to be started, if it has to. */
  | { readonly type: 'loaded' }
  | ReadyMessage
  | { readonly type: 'state'; readonly state: 'draining' }
  | { readonly type: 'fatal'; readonly fatal: Fatal };

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
