/**
 * One published message on its way through the router. The parser of a connection reuses a single instance for all
 * messages of that connection, so whoever wants to keep something takes `headers()` and `body()`: they are slices of
 * immutable memory and may be kept.
 */
const NOTHING = Buffer.alloc(0);

export class Message {
  /** Subject as wire text. */
  subject = '';
  /** Reply subject as wire text; empty when there is none. */
  reply = '';
  /** Length of the header block at the front of the payload; 0 when there is none. */
  headerLength = 0;
  /** Memory that holds the payload (header block and body) from `start` to `end`. */
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;

  static of(subject: string, reply: string, headers: Buffer | undefined, body: Buffer): Message {
    const message = new Message();
    message.subject = subject;
    message.reply = reply;
    message.headerLength = headers?.length ?? 0;
    message.bytes = headers === undefined ? body : Buffer.concat([headers, body]);
    message.end = message.bytes.length;
    return message;
  }

  headers(): Buffer | undefined {
    if (this.headerLength === 0) return undefined;
    return this.bytes.subarray(this.start, this.start + this.headerLength);
  }

  body(): Buffer {
    return this.bytes.subarray(this.start + this.headerLength, this.end);
  }
}
