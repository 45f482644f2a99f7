/** What is told of a consumer, under the names of the API. */
import { fromWireText } from '../../protocol/wire-text.ts';
import type { Consumer } from './consumer.ts';
import { showConsumerConfig } from './consumer-config.ts';

const US_PER_MS = 1_000;

export function showConsumer(
  consumer: Consumer,
  stream: string,
  now: number,
): Readonly<Record<string, unknown>> {
  const { config, delivered, ledger, cursor } = consumer;
  const waiting = consumer.waiting(now);
  return {
    stream_name: fromWireText(stream),
    name: fromWireText(consumer.name),
    created: showTime(consumer.createdUs),
    config: showConsumerConfig(config),
    delivered: {
      consumer_seq: delivered.consumer,
      stream_seq: delivered.stream,
      ...activity(consumer.lastDeliveredAt),
    },
    ack_floor: {
      consumer_seq: ledger.floor.consumer,
      stream_seq: ledger.floor.stream,
      ...activity(consumer.lastAcknowledgedAt),
    },
    num_ack_pending: ledger.pending.size,
    num_redelivered: ledger.redelivered.size,
    num_waiting: waiting,
    num_pending: cursor.ahead,
    ...(consumer.isBound ? { push_bound: true } : {}),
  };
}

function activity(at: number): { readonly last_active?: string } {
  return at === 0 ? {} : { last_active: showTime(at * US_PER_MS) };
}

/** RFC 3339 with microseconds. */
function showTime(us: number): string {
  const whole = Math.round(us);
  const fraction = String(whole % US_PER_MS).padStart(3, '0');
  return new Date(Math.floor(whole / US_PER_MS)).toISOString().replace('Z', `${fraction}Z`);
}
