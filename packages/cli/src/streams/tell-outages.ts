/** Says when the broker goes away and when it is back, to whoever waits for what it has to say. */

import type { NatsConnection } from '@nats-io/transport-node';
import type { Terminal } from '../output/terminal.ts';

/** Until the connection is closed. */
export async function tellOutages(
  nats: NatsConnection,
  { talk, paintTalk }: Pick<Terminal, 'talk' | 'paintTalk'>,
): Promise<void> {
  for await (const { type } of nats.status()) {
    if (type === 'disconnect') talk(`${paintTalk('yellow', 'away')}: the broker is gone; waiting for it\n`);
    if (type === 'reconnect') talk(`${paintTalk('green', 'back')}: the broker is there again\n`);
  }
}
