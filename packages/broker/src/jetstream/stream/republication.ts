/** A stored message as it is published again, with headers that tell where it comes from. */

import { toWireText } from '../../protocol/wire-text.ts';
import { Message } from '../../routing/message.ts';
import { withHeaders } from '../header-block.ts';
import { subjectMapping } from './republish.ts';
import type { StreamConfig } from './stream-config.ts';

/** @param lastOfSubject sequence of the message before, with the same subject; 0 when there was none. */
export type Republication = (
  message: Message,
  sequence: number,
  lastOfSubject: number,
) => Message | undefined;

const NO_BODY = Buffer.alloc(0);

/** Undefined when the stream publishes nothing again. */
export function republication(config: StreamConfig): Republication | undefined {
  const { republish } = config;
  if (republish === undefined) return undefined;
  const map = subjectMapping(republish, config.subjects);
  const stream = toWireText(config.name);
  return (message, sequence, lastOfSubject) => {
    const destination = map(message.subject);
    if (destination === undefined) return undefined;
    const body = message.body();
    const headers: [string, string | number][] = [
      ['Nats-Stream', stream],
      ['Nats-Subject', message.subject],
      ['Nats-Sequence', sequence],
      ['Nats-Last-Sequence', lastOfSubject],
    ];
    if (republish.headers_only === true) headers.push(['Nats-Msg-Size', body.length]);
    const block = withHeaders(message.headers(), headers);
    return Message.of(destination, '', block, republish.headers_only === true ? NO_BODY : body);
  };
}
