/** What a broker has stored, read back and compared with what it acknowledged. */
import { AckPolicy, DeliverPolicy, jetstreamManager } from '@nats-io/jetstream';
import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Ledger } from './publishing-load.ts';

export interface Verdict {
  /** Stored, as counted by the reader. */
  readonly stored: number;
  /** Numbers of messages that were acknowledged and are not where the acknowledgement said. */
  readonly lost: readonly number[];
  /** Numbers of messages that were sent once and are stored more than once, or never sent. */
  readonly surplus: readonly number[];
}

const BATCH = 1_000;

/** Reads the stream from a sequence on and compares. Deleted messages count as lost. */
export async function compare(
  nc: NatsConnection,
  stream: string,
  ledger: Ledger,
  from = 1,
): Promise<Verdict> {
  const bySequence = new Map<number, number>();
  const copies = new Map<number, number>();
  for await (const { sequence, number } of read(nc, stream, from)) {
    bySequence.set(sequence, number);
    copies.set(number, (copies.get(number) ?? 0) + 1);
  }
  const due = [...ledger.acknowledged].filter(([, sequence]) => sequence >= from);
  return {
    stored: bySequence.size,
    lost: due.filter(([number, sequence]) => bySequence.get(sequence) !== number).map(([number]) => number),
    surplus: [...copies]
      .filter(([number, times]) => times > (ledger.attempts.get(number) ?? 0))
      .map(([number]) => number),
  };
}

async function* read(
  nc: NatsConnection,
  stream: string,
  from: number,
): AsyncGenerator<{ sequence: number; number: number }> {
  const jsm = await jetstreamManager(nc);
  const { name, num_pending } = await jsm.consumers.add(stream, {
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
    max_ack_pending: -1,
    mem_storage: true,
  });
  const inbox = createInbox();
  const subscription = nc.subscribe(inbox);
  const ask = (batch: number) =>
    nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, JSON.stringify({ batch }), { reply: inbox });
  try {
    let left = num_pending;
    let asked = Math.min(left, BATCH);
    if (left > 0) ask(asked);
    else return;
    for await (const message of subscription) {
      yield stored(message);
      left--;
      if (left === 0) return;
      if (--asked > 0) continue;
      asked = Math.min(left, BATCH);
      ask(asked);
    }
  } finally {
    subscription.unsubscribe();
    await jsm.consumers.delete(stream, name);
  }
}

function stored(message: Msg): { sequence: number; number: number } {
  const status = message.headers?.code ?? 0;
  if (status !== 0) throw new Error(`reading ended with ${status} ${message.headers?.description}`);
  const sequence = Number(message.reply!.split('.')[5]);
  const text = message.string();
  return { sequence, number: Number(text.slice(0, text.indexOf(' '))) };
}
