/** A stored message as a command tells it: what `--json` prints. */

import type { MsgHdrs } from '@nats-io/transport-node';
import { messageHeader } from 'flotilla/operators';

/** Exactly one of `payload` (JSON), `text` and `base64` is there. */
export interface ToldMessage {
  readonly stream: string;
  readonly sequence: number;
  /** When the broker stored it. */
  readonly time: string;
  readonly subject: string;
  /** CloudEvents attributes; null for a message that is no event of a service. */
  readonly id: string | null;
  readonly type: string | null;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly payload?: unknown;
  readonly text?: string;
  readonly base64?: string;
}

/** As any part of the NATS client hands it out. */
export interface HeldMessage {
  readonly seq: number;
  readonly time: Date;
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

export function tell(stream: string, { seq, time, subject, headers, data }: HeldMessage): ToldMessage {
  const attribute = (name: string): string | null => headers?.last(name) || null;
  const key = attribute(messageHeader.key);
  return {
    stream,
    sequence: seq,
    time: time.toISOString(),
    subject,
    id: attribute(messageHeader.id) ?? attribute(messageHeader.messageId),
    type: attribute(messageHeader.type),
    key: key === null ? null : decoded(key),
    headers: Object.fromEntries((headers?.keys() ?? []).map((name) => [name, headers?.values(name) ?? []])),
    ...content(data),
  };
}

/** JSON as its value, other text as it is, bytes that are no text in base64. */
export function content(data: Uint8Array): Pick<ToldMessage, 'payload' | 'text' | 'base64'> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return { base64: Buffer.from(data).toString('base64') };
  }
  try {
    return { payload: JSON.parse(text) };
  } catch {
    return { text };
  }
}

/** Of a header that may have been written by anyone. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
