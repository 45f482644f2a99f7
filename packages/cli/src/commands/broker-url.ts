/** The broker's URL with what a NATS tool needs to connect. */

import { deriveToken } from 'flotilla/secret';
import type { ControlClient } from '../control/client.ts';

/** Several servers, as NATS_URL may name, stay several: tools take them separated by commas. */
export function brokerUrl({ natsUrl, secret }: Pick<ControlClient, 'natsUrl' | 'secret'>): string {
  return natsUrl
    .split(',')
    .map((server) => {
      const url = new URL(server.trim());
      if (url.username === '') url.username = deriveToken(secret, 'broker');
      return url.href.replace(/\/$/, '');
    })
    .join(',');
}
