/** The broker's URL with what a NATS tool needs to connect. */

import { deriveToken } from 'flotilla/secret';
import type { ControlClient } from '../control/client.ts';
import { Failure } from '../failure.ts';

export function brokerUrl({ record, secret }: ControlClient): string {
  if (record.natsUrl === undefined) {
    throw new Failure('not_running', `the fleet ${record.name} has no broker yet`, {
      repair: 'try again when it is ready',
    });
  }
  const url = new URL(record.natsUrl);
  if (url.username === '') url.username = deriveToken(secret, 'broker');
  return url.href.replace(/\/$/, '');
}
