/**
 * The floor: length-prefixed JSON over one TCP connection, with ids, all frames of a tick in one write, and nothing
 * else: no deadline, no validation, no errors, no authentication.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Connected, Contender, Ping } from './contender.ts';

const headerBytes = 8;

/** Cuts a stream of chunks into frames of a length, an id and a body. */
function onFrames(socket: Socket, handle: (id: number, body: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    const data = rest.length ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    while (data.length - at >= headerBytes) {
      const length = data.readUInt32BE(at);
      if (data.length - at < headerBytes + length) break;
      handle(data.readUInt32BE(at + 4), data.subarray(at + headerBytes, at + headerBytes + length));
      at += headerBytes + length;
    }
    rest = data.subarray(at);
  });
}

/** Collects the frames of a tick. */
function frameWriter(socket: Socket): (id: number, body: Buffer) => void {
  let waiting: Buffer[] = [];
  const flush = () => {
    const frames = waiting;
    waiting = [];
    socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  };
  return (id, body) => {
    const frame = Buffer.allocUnsafe(headerBytes + body.length);
    frame.writeUInt32BE(body.length, 0);
    frame.writeUInt32BE(id, 4);
    body.copy(frame, headerBytes);
    if (waiting.push(frame) === 1) process.nextTick(flush);
  };
}

export const bareLoop: Contender = {
  name: 'bare framed loop',
  features: 'none: ids, JSON and one write per tick',
  async serve() {
    const server = createServer({ noDelay: true }, (socket) => {
      const write = frameWriter(socket);
      socket.on('error', () => socket.destroy());
      onFrames(socket, (id, body) => {
        const input = JSON.parse(body.toString()) as Ping;
        write(id, Buffer.from(JSON.stringify({ ...input, n: input.n + 1 })));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      address: String((server.address() as AddressInfo).port),
      close: () => new Promise((resolve) => server.close(() => resolve())),
    };
  },
  async connect(address): Promise<Connected> {
    const socket = connect({ port: Number(address), host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const write = frameWriter(socket);
    const waiting = new Map<number, (answer: Ping) => void>();
    let lastId = 0;
    onFrames(socket, (id, body) => {
      const resolve = waiting.get(id)!;
      waiting.delete(id);
      resolve(JSON.parse(body.toString()) as Ping);
    });
    return {
      call: (input) =>
        new Promise((resolve) => {
          const id = ++lastId;
          waiting.set(id, resolve);
          write(id, Buffer.from(JSON.stringify(input)));
        }),
      async close() {
        socket.destroy();
      },
    };
  },
};
