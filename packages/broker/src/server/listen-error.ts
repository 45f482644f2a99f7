/** Turns a failure to listen into an error that says what to do. */
import { BrokerError } from '../broker-error.ts';

export function listenError(host: string, port: number, cause: unknown): BrokerError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EADDRINUSE') {
    return new BrokerError(
      'address_in_use',
      `port ${port} on ${host} is taken by another process`,
      'stop that process or start the broker on another port',
      cause,
    );
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new BrokerError(
      'address_not_available',
      `${host} is not an address of this machine`,
      'use 127.0.0.1, or the address of one of its interfaces',
      cause,
    );
  }
  if (code === 'EACCES') {
    return new BrokerError(
      'permission_denied',
      `this user may not listen on port ${port}`,
      'choose a port of 1024 or above, or grant the permission',
      cause,
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BrokerError(
    'listen_failed',
    `the broker cannot listen on ${host}:${port} (${reason})`,
    'check host and port',
    cause,
  );
}
