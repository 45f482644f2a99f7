/** Addresses on the wire: `tcp://<host>:<port>` and `unix:<absolute path>`. */
import { platformError } from '../errors/index.ts';

export type WireAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** `sockaddr_un.sun_path` holds 108 bytes on Linux and 104 on macOS, with a closing zero. */
const MAX_UNIX_PATH = 103;
const TCP = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([^[\]/:?#@]+)):(\d{1,5})$/;

/** Throws `invalid_argument` for anything else. */
export function parseAddress(address: string): WireAddress {
  if (address.startsWith('unix:')) {
    const path = address.slice('unix:'.length);
    if (!path.startsWith('/'))
      throw invalid(address, 'the socket path must be absolute: unix:/run/ledger.sock');
    if (Buffer.byteLength(path) > MAX_UNIX_PATH) {
      throw invalid(
        address,
        `a socket path has at most ${MAX_UNIX_PATH} bytes; use a shorter directory, or tcp://127.0.0.1:0`,
      );
    }
    return { kind: 'unix', path };
  }
  const match = TCP.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 0xffff) throw invalid(address, 'write tcp://127.0.0.1:4222 or unix:/path');
  return { kind: 'tcp', host: (match[1] ?? match[2])!, port };
}

export function formatTcpAddress(host: string, port: number): string {
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function invalid(address: string, repair: string) {
  return platformError('invalid_argument', `"${address}" is no wire address: ${repair}`);
}
