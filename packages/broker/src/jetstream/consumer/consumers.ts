/** The consumers of all streams of a broker. */
import { Message } from '../../routing/message.ts';
import type { Subscriber } from '../../routing/subscription.ts';
import { handleConsumerApi } from '../api/consumer-api.ts';
import type { JetStreamContext } from '../context.ts';
import type { ConsumerRows } from '../store/consumer-rows.ts';
import type { ConsumerStream, StreamConsumers } from '../stream/consumer-stream.ts';
import { Announcer } from './announcer.ts';
import { Confirmations } from './confirmations.ts';
import { ConsumerSet } from './consumer-set.ts';
import type { ConsumerHost } from './hosted-consumer.ts';
import { AckInbox, type FindConsumer, FlowControlInbox, NextInbox } from './inboxes.ts';
import { ProgressWriter } from './progress-writer.ts';
import { RunQueue } from './run-queue.ts';

export class Consumers {
  readonly #context: JetStreamContext;
  readonly #host: ConsumerHost;
  readonly #sets = new Map<string, ConsumerSet>();

  /** Registers the API of consumers, and takes pull requests and acknowledgements from now on. */
  constructor(context: JetStreamContext) {
    this.#context = context;
    const { router, commits, log } = context;
    const queue = new RunQueue();
    const progress = new ProgressWriter(commits, () => queue.now());
    const find: FindConsumer = (stream, name) => this.#sets.get(stream)?.get(name);
    const now = (): number => queue.now();
    const origin: Subscriber = new AckInbox(find, now);
    router.subscribe(origin, '$JS.ACK.>', '', '1');
    router.subscribe(new NextInbox(find, now), '$JS.API.CONSUMER.MSG.NEXT.*.*', '', '1');
    router.subscribe(new FlowControlInbox(find, now), '$JS.FC.>', '', '1');
    this.#host = {
      router,
      log,
      damaged: (error) => context.damaged(error),
      queue,
      progress,
      confirmations: new Confirmations(commits, progress, router, origin),
      announcer: new Announcer(context),
      origin,
      message: new Message(),
    };
    handleConsumerApi(context, (stream) => this.#sets.get(stream));
  }

  /** For a new stream, or one that was there before a restart: its consumers go on where they were. */
  attach(stream: ConsumerStream, rows: ConsumerRows): StreamConsumers {
    const set = new ConsumerSet({
      host: this.#host,
      stream,
      rows,
      random: Math.random,
      nowUs: () => this.#context.nowUs(),
      deleted: () => this.#sets.delete(set.name),
    });
    this.#sets.set(set.name, set);
    return set;
  }

  /** Stops all deliveries and writes down how far they have come. The commit is the caller's. */
  close(): void {
    this.#host.progress.close();
    this.#host.queue.close();
    for (const set of this.#sets.values()) set.close();
    this.#sets.clear();
  }
}
