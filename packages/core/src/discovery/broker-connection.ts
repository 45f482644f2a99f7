/** The connection of a process to the broker: the fleet's own or any NATS server. */
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node';
import { platformError } from '../errors/flotilla-error.ts';

export interface BrokerConnectionOptions {
  /** `nats://host:port`, several separated by commas. Credentials in the URL win over `token`. */
  readonly url: string;
  readonly token: string;
  /** Shown by the broker's own monitoring. */
  readonly name: string;
  /** How long to keep trying to connect at first, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number;
}

/**
 * Connects, and stays connected: after a loss it tries again for ever, with jitter.
 *
 * @throws FlotillaError `unauthenticated` when the broker refuses the credentials, `unavailable` when none answers in time.
 */
export async function connectBroker(options: BrokerConnectionOptions): Promise<NatsConnection> {
  const { url, name, connectTimeoutMs = 5_000 } = options;
  const settings: ConnectionOptions = {
    ...serversOf(options),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 150,
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 1_000,
    ignoreAuthErrorAbort: true,
  };
  const giveUpAt = performance.now() + connectTimeoutMs;
  for (;;) {
    try {
      return await connect(settings);
    } catch (cause) {
      const { name: kind, message } = cause as Error;
      if (kind === 'AuthorizationError') {
        throw platformError('unauthenticated', `the broker at ${url} refused this process's credentials`, {
          cause,
        });
      }
      if (performance.now() > giveUpAt) {
        throw platformError('unavailable', `no broker answers at ${url}: ${message}. Is the fleet running?`, {
          cause,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function serversOf({ url, token }: BrokerConnectionOptions): ConnectionOptions {
  const servers: string[] = [];
  let credentials: ConnectionOptions = { token };
  for (const part of url.split(',')) {
    const { username, password, host } = new URL(part.trim());
    servers.push(host);
    if (username && password) {
      credentials = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
    } else if (username) {
      credentials = { token: decodeURIComponent(username) };
    }
  }
  return { servers, ...credentials };
}
