/** A message without its body, as a consumer with `headers_only` gets it: the size of the body is in a header. */
import type { StoredMessage } from '../stream/stored-message.ts';

const END_OF_HEADERS = 2;

export function headersOnly(message: StoredMessage): StoredMessage {
  const { payload, headerLength } = message;
  const size = payload.length - headerLength;
  const head =
    headerLength === 0 ? 'NATS/1.0\r\n' : payload.toString('latin1', 0, headerLength - END_OF_HEADERS);
  const block = Buffer.from(`${head}Nats-Msg-Size: ${size}\r\n\r\n`, 'latin1');
  return { ...message, payload: block, headerLength: block.length };
}
