/** The INFO line: what the broker tells a client before anything else. Field names are those of nats-server. */
import { randomBytes } from 'node:crypto';

/**
 * Clients decide by this version what they may ask for, so it names the nats-server release whose behaviour the
 * broker has, and not its own. `server_name` tells that this is Flotilla.
 */
export const PROTOCOL_VERSION = '2.9.10';

export interface ServerInfo {
  readonly serverId: string;
  readonly serverName: string;
  readonly host: string;
  readonly port: number;
  readonly maxPayload: number;
  readonly authRequired: boolean;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Looks like the public server key that clients and tools expect; it is not a key. */
export function createServerId(): string {
  return `N${Array.from(randomBytes(55), (byte) => BASE32[byte & 31]).join('')}`;
}

export function infoLine(info: ServerInfo, clientId: number, clientIp: string, lameDuck: boolean): string {
  const fields = {
    server_id: info.serverId,
    server_name: info.serverName,
    version: PROTOCOL_VERSION,
    proto: 1,
    host: info.host,
    port: info.port,
    headers: true,
    jetstream: true,
    auth_required: info.authRequired || undefined,
    max_payload: info.maxPayload,
    client_id: clientId,
    client_ip: clientIp,
    ldm: lameDuck || undefined,
  };
  return `INFO ${JSON.stringify(fields)} \r\n`;
}
