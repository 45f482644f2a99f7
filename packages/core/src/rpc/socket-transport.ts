/** The wire over TCP and Unix sockets. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type FlotillaError, platformError } from '../errors/index.ts';
import { formatTcpAddress, parseAddress, type WireAddress } from './address.ts';
import type { Channel, DialOptions, ListenOptions, Transport, WireServer } from './channel.ts';
import { type Acceptor, ConnectionServer } from './connection-server.ts';
import { openChannel } from './open-channel.ts';
import { protectSocketFile, removeStaleSocketFile } from './socket-file.ts';

/**
 * Listens on a TCP port or a Unix socket.
 *
 * Fails with `conflict` when the port is taken or the socket file belongs to a live process, `permission_denied` or
 * `invalid_argument`. The socket file of a process that has died is replaced.
 */
export async function listen(options: ListenOptions): Promise<WireServer> {
  const address = parseAddress(options.address);
  const server = new ConnectionServer(options);
  const listener = createServer({ noDelay: true }, (socket) => server.accept(socket));
  if (address.kind === 'unix') await removeStaleSocketFile(address.path);
  await startListening(listener, address, options.address);
  if (address.kind === 'unix') await protectSocketFile(address.path);
  return server.startWith(acceptorOf(listener, address));
}

/** Connects to a listening instance and authenticates. See `Transport.dial` for the errors. */
export async function dial(options: DialOptions): Promise<Channel> {
  const address = parseAddress(options.address);
  return openChannel(connectTo(address), options);
}

export const socketTransport: Transport = { listen, dial };

function connectTo(address: WireAddress): Socket {
  if (address.kind === 'unix') return connect(address.path);
  return connect({ host: address.host, port: address.port, noDelay: true });
}

function startListening(listener: Server, address: WireAddress, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', (error) => reject(listenFailure(error, address, text)));
    const onListening = () => {
      listener.removeAllListeners('error');
      // Accepting can fail later, for want of file descriptors; connections that exist must not suffer from it.
      listener.on('error', () => {});
      resolve();
    };
    if (address.kind === 'unix') listener.listen(address.path, onListening);
    else listener.listen(address.port, address.host, onListening);
  });
}

function listenFailure(error: NodeJS.ErrnoException, address: WireAddress, text: string): FlotillaError {
  const cause = error;
  if (error.code === 'EADDRINUSE' && address.kind === 'tcp') {
    return platformError(
      'conflict',
      `port ${address.port} on ${address.host} is taken: stop the process that listens there, or listen on tcp://${address.host}:0 for any free port`,
      { cause },
    );
  }
  if (error.code === 'EADDRINUSE') {
    return platformError('conflict', `${text} is in use: another process has just begun to listen there`, {
      cause,
    });
  }
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return platformError('permission_denied', `${text} may not be listened on by this user: choose another`, {
      cause,
    });
  }
  if (error.code === 'EADDRNOTAVAIL') {
    return platformError('invalid_argument', `${text} is not an address of this machine`, { cause });
  }
  return platformError('unavailable', `${text} cannot be listened on (${error.code ?? error.message})`, {
    cause,
  });
}

function acceptorOf(listener: Server, address: WireAddress): Acceptor {
  const bound = listener.address();
  const text =
    address.kind === 'tcp' && typeof bound === 'object' && bound !== null
      ? formatTcpAddress(address.host, bound.port)
      : `unix:${(address as { path: string }).path}`;
  return {
    address: text,
    stop: () => new Promise((resolve) => listener.close(() => resolve())),
  };
}
