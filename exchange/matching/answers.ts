/**
 * What callers of commands are told. An answer is put together in the same moment in which the command takes effect,
 * and given once that is on disk.
 */
import type { OutputOf } from 'flotilla';
import type { Matching, NewOrder } from './contract.ts';
import type { Sequencer } from './sequencer.ts';

export type SubmitAnswer = OutputOf<typeof Matching.submit.output>;
export type AbandonAnswer = OutputOf<typeof Matching.abandon.output>;

export async function submit(sequencer: Sequencer, order: NewOrder): Promise<SubmitAnswer> {
  const result = sequencer.submit(order);
  const sequence = sequencer.head;
  const known = sequencer.records.get(order.id);
  await sequencer.durable();
  if (known === undefined) return { kind: 'abandoned', sequence };
  if (result.kind === 'accepted') return { kind: 'accepted', sequence, order: known };
  if (result.kind === 'rejected') return { kind: 'rejected', sequence, order: known, reason: result.reason };
  return { kind: 'duplicate', sequence, order: known };
}

export async function abandon(sequencer: Sequencer, id: string): Promise<AbandonAnswer> {
  const { kind } = sequencer.abandon(id);
  const sequence = sequencer.head;
  const order = kind === 'known' ? sequencer.records.get(id) : undefined;
  await sequencer.durable();
  return order ? { kind: 'known', sequence, order } : { kind: 'abandoned', sequence };
}
