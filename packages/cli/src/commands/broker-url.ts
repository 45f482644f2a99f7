/** The broker's URL with what a NATS tool needs to connect. */

import { deriveToken } from 'flotilla/secret';
import type { ControlClient } from '../control/client.ts';

export function brokerUrl({ natsUrl, secret }: ControlClient): string {
  const url = new URL(natsUrl);
  if (url.username === '') url.username = deriveToken(secret, 'broker');
  return url.href.replace(/\/$/, '');
}
