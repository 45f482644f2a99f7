/** Header blocks as they go over the wire: `NATS/1.0`, a line for each header, an empty line. */

const OPENING = Buffer.from('NATS/1.0\r\n', 'latin1');
const END = '\r\n';

/** A block with the headers of `block`, if there is one, and these behind them. Values are wire text. */
export function withHeaders(
  block: Buffer | undefined,
  added: readonly (readonly [name: string, value: string | number])[],
): Buffer {
  const lines = added.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const front = block === undefined || block.length === 0 ? OPENING : block.subarray(0, -END.length);
  return Buffer.concat([front, Buffer.from(lines + END, 'latin1')]);
}

/** A block that is only a status: `NATS/1.0 404 Message Not Found`. */
export function statusBlock(status: number, description: string): Buffer {
  return Buffer.from(`NATS/1.0 ${status} ${description}\r\n\r\n`, 'latin1');
}
