/** Pull requests as they go over the wire, with everything that comes back: messages, heartbeats and the status that ends them. */
import { createInbox, type Msg, type NatsConnection } from '@nats-io/nats-core';

/** Durations in nanoseconds, as in the protocol. */
export interface PullRequest {
  readonly batch?: number;
  readonly no_wait?: boolean;
  readonly expires?: number;
  readonly max_bytes?: number;
  readonly idle_heartbeat?: number;
}

export interface Status {
  readonly code: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Pulled {
  readonly messages: Delivery[];
  readonly heartbeats: Status[];
  /** What ended the request; undefined when the batch was complete without one. */
  readonly end: Status | undefined;
}

export type Acknowledgement = '+ACK' | '-NAK' | '+WPI' | '+TERM' | '+NXT' | (string & {});

/** A delivered message; what its acknowledgement subject says is read from it (ADR-15, the form with nine tokens). */
export class Delivery {
  readonly message: Msg;
  readonly stream: string;
  readonly consumer: string;
  readonly deliveries: number;
  readonly sequence: number;
  readonly consumerSequence: number;
  readonly pending: number;
  readonly #nc: NatsConnection;

  constructor(nc: NatsConnection, message: Msg) {
    this.#nc = nc;
    this.message = message;
    const tokens = (message.reply ?? '').split('.');
    if (tokens.length !== 9 || tokens[0] !== '$JS' || tokens[1] !== 'ACK') {
      throw new Error(`not an acknowledgement subject: ${message.reply}`);
    }
    [this.stream, this.consumer] = [tokens[2]!, tokens[3]!];
    [this.deliveries, this.sequence, this.consumerSequence] = [tokens[4], tokens[5], tokens[6]].map(
      Number,
    ) as [number, number, number];
    this.pending = Number(tokens[8]);
  }

  get text(): string {
    return this.message.string();
  }

  /** Resolves when the server has dealt with it. */
  async confirm(kind: Acknowledgement = '+ACK'): Promise<void> {
    await this.#nc.request(this.message.reply!, kind, { timeout: 10_000 });
  }

  /** As most clients do it: sent, and not waited for. */
  send(kind: Acknowledgement = '+ACK', reply?: string): void {
    this.#nc.publish(this.message.reply!, kind, reply === undefined ? {} : { reply });
  }
}

/** Sends a request and collects until the batch is complete or a status ends it. */
export async function pull(
  nc: NatsConnection,
  stream: string,
  consumer: string,
  request: PullRequest | string = {},
): Promise<Pulled> {
  const size = typeof request === 'string' ? Number(request || 1) : (request.batch ?? 1);
  const pulling = startPull(nc, stream, consumer, request);
  const late = setTimeout(() => pulling.stop(), 20_000);
  const messages: Delivery[] = [];
  const heartbeats: Status[] = [];
  try {
    for await (const item of pulling.items) {
      if (item instanceof Delivery) messages.push(item);
      else if (item.code === 100) heartbeats.push(item);
      else return { messages, heartbeats, end: item };
      if (messages.length === size) return { messages, heartbeats, end: undefined };
    }
    throw new Error(`the pull of ${consumer} did not end; it had ${messages.length} of ${size} messages`);
  } finally {
    clearTimeout(late);
    pulling.stop();
  }
}

export interface Pulling {
  readonly inbox: string;
  readonly items: AsyncIterable<Delivery | Status>;
  stop(): void;
}

/** Sends a request and leaves its outcome to the caller. */
export function startPull(
  nc: NatsConnection,
  stream: string,
  consumer: string,
  request: PullRequest | string = {},
): Pulling {
  const inbox = createInbox();
  const subscription = nc.subscribe(inbox);
  const body = typeof request === 'string' ? request : JSON.stringify(request);
  nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, body, { reply: inbox });
  return {
    inbox,
    items: itemsOf(nc, subscription),
    stop: () => subscription.unsubscribe(),
  };
}

async function* itemsOf(
  nc: NatsConnection,
  subscription: AsyncIterable<Msg>,
): AsyncGenerator<Delivery | Status> {
  for await (const message of subscription) {
    yield statusOf(message) ?? new Delivery(nc, message);
  }
}

/** Undefined for a message that was published by somebody. */
export function statusOf(message: Msg): Status | undefined {
  const { headers } = message;
  if (headers === undefined || headers.code === 0) return undefined;
  const fields = headers.keys().map((key) => [key, headers.get(key)] as const);
  return { code: headers.code, text: headers.description, headers: Object.fromEntries(fields) };
}
