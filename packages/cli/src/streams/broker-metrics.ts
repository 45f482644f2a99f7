/** What a broker that runs in this process tells a scrape. Values are read when somebody asks. */
import type { Broker, ConsumerStatus, StoreStatus, StreamStatus } from '@flotilla/broker';
import { type Labels, Metrics } from 'flotilla';

type Readings = [labels: Labels, value: number][];

export function brokerMetrics(broker: Pick<Broker, 'status' | 'streams'>): Metrics {
  const metrics = new Metrics();
  ofClients(metrics, broker);
  ofStreams(metrics, broker);
  ofStore(metrics, broker);
  return metrics;
}

function ofClients(metrics: Metrics, { status }: Pick<Broker, 'status'>): void {
  metrics.gauge('flotilla_broker_connections', 'Clients.', () => status().connections);
  metrics.gauge('flotilla_broker_subscriptions', 'Of clients.', () => status().subscriptions);
  metrics.counter(
    'flotilla_broker_slow_consumers',
    'Clients that were cut off because they were behind.',
    () => {
      return status().slowConsumers;
    },
  );
  metrics.counter('flotilla_broker_messages', 'Published by clients, and delivered to them.', () => {
    const { inMessages, outMessages } = status();
    return byDirection(inMessages, outMessages);
  });
  metrics.counter('flotilla_broker_transferred_bytes', 'Published by clients, and delivered to them.', () => {
    const { inBytes, outBytes } = status();
    return byDirection(inBytes, outBytes);
  });
}

function byDirection(incoming: number, outgoing: number): Readings {
  return [
    [{ direction: 'in' }, incoming],
    [{ direction: 'out' }, outgoing],
  ];
}

function ofStreams(metrics: Metrics, broker: Pick<Broker, 'streams'>): void {
  const ofStream = (name: string, help: string, value: (stream: StreamStatus) => number): void =>
    metrics.gauge(name, help, () =>
      broker.streams().map((stream): Readings[number] => [{ stream: stream.name }, value(stream)]),
    );
  ofStream('flotilla_broker_stream_messages', 'Stored messages.', ({ messages }) => messages);
  ofStream('flotilla_broker_stream_bytes', 'What they count for in limits.', ({ bytes }) => bytes);
  ofStream(
    'flotilla_broker_stream_last_sequence',
    'Sequence of the newest.',
    ({ lastSequence }) => lastSequence,
  );
  ofStream(
    'flotilla_broker_stream_consumers',
    'Durable ones and others.',
    ({ consumers }) => consumers.length,
  );

  // Those without a durable name come and go under names that nobody chose.
  const ofConsumer = (
    name: string,
    help: string,
    value: (consumer: ConsumerStatus) => number | undefined,
  ): void =>
    metrics.gauge(name, help, () =>
      broker.streams().flatMap(({ name: stream, consumers }) =>
        consumers
          .filter(({ isDurable }) => isDurable)
          .flatMap((consumer): Readings => {
            const known = value(consumer);
            return known === undefined ? [] : [[{ stream, consumer: consumer.name }, known]];
          }),
      ),
    );
  ofConsumer('flotilla_broker_consumer_pending', 'Messages not delivered yet.', ({ pending }) => pending);
  ofConsumer(
    'flotilla_broker_consumer_ack_pending',
    'Messages delivered and not acknowledged yet.',
    ({ ackPending }) => ackPending,
  );
  ofConsumer(
    'flotilla_broker_consumer_redelivered',
    'Messages delivered more than once and not acknowledged yet.',
    ({ redelivered }) => redelivered,
  );
}

function ofStore(metrics: Metrics, { status }: Pick<Broker, 'status'>): void {
  const read = (value: (store: StoreStatus) => number) => (): Readings => {
    const { store } = status();
    return store === null ? [] : [[{}, value(store)]];
  };
  metrics.counter(
    'flotilla_broker_commits',
    'Groups of writes made durable.',
    read(({ commits }) => commits),
  );
  metrics.gauge('flotilla_broker_commit_seconds', 'How long the last 1024 of them took, by share.', () => {
    const { store } = status();
    if (store === null) return [];
    return [
      [{ share: '0.5' }, store.commitP50Ms / 1_000],
      [{ share: '0.99' }, store.commitP99Ms / 1_000],
    ];
  });
  metrics.gauge(
    'flotilla_broker_disk_bytes',
    'Size of its files.',
    read(({ diskBytes }) => diskBytes),
  );
  metrics.gauge(
    'flotilla_broker_free_bytes',
    'Left on their disk.',
    read(({ freeBytes }) => freeBytes),
  );
  metrics.counter(
    'flotilla_broker_damaged_records',
    'Messages that were not what was written.',
    read(({ damagedRecords }) => damagedRecords),
  );
}
