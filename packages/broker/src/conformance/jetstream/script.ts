/**
 * A script: what one client asks of a server with streams, one thing after the other. Playing it gives a transcript of
 * all answers and deliveries that can be compared with the one of another server: without clocks.
 *
 * nats-server deals with some things after it has answered: what a consumer has pending follows the stream, and the
 * stream the acknowledgements, a moment later. So the player looks at counters until they stand still.
 */
import { isDeepStrictEqual } from 'node:util';
import { errors, headers, type Msg, type NatsConnection } from '@nats-io/nats-core';
import { type Delivery, type PullRequest, pull, statusOf } from './pull.ts';

export type Step =
  | { readonly api: string; readonly body?: unknown }
  | Publish
  | { readonly pull: string; readonly stream: string; readonly request: PullRequest }
  /** Of the deliveries that have not been dealt with, the one at this place, counted round and round. */
  | { readonly acknowledge: number; readonly kind: string }
  /** One that is given as text, whether or not something was delivered under it. */
  | { readonly request: string; readonly body?: string };

interface Publish {
  readonly publish: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Transcript = readonly string[];

export async function play(nc: NatsConnection, steps: readonly Step[]): Promise<Transcript> {
  const player = new Player(nc);
  const transcript: string[] = [];
  for (const step of steps) {
    const told = JSON.stringify(step);
    try {
      transcript.push(`${told}\n    ${await player.play(step)}`);
    } catch (error) {
      throw new Error(`failed at ${told}, after\n${transcript.join('\n')}`, { cause: error });
    }
  }
  return transcript;
}

class Player {
  readonly #nc: NatsConnection;
  readonly #outstanding: Delivery[] = [];

  constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  async play(step: Step): Promise<string> {
    if ('api' in step) return this.#api(step.api, step.body);
    if ('publish' in step) return this.#publish(step);
    if ('pull' in step) return this.#pull(step.stream, step.pull, step.request);
    if ('request' in step) return this.#answer(step.request, step.body ?? '');
    return this.#acknowledge(step.acknowledge, step.kind);
  }

  async #api(verb: string, body: unknown): Promise<string> {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const ask = () => this.#json(verb, text);
    const looks = /^(STREAM|CONSUMER)\.(INFO|LIST)\b/.test(verb);
    return JSON.stringify(withoutAccidents(looks ? await settled(ask) : await ask()));
  }

  async #publish({ publish, body = '', headers: fields }: Publish): Promise<string> {
    const sent = headers();
    for (const [key, value] of Object.entries(fields ?? {})) sent.set(key, value);
    return this.#answer(publish, body, fields && { headers: sent });
  }

  async #pull(stream: string, consumer: string, request: PullRequest): Promise<string> {
    const info = await settled(() => this.#json(`CONSUMER.INFO.${stream}.${consumer}`, ''));
    if (info.error !== undefined) return 'there is no such consumer';
    const { messages, end } = await pull(this.#nc, stream, consumer, endingByItself(request, info));
    this.#outstanding.push(...messages);
    const lines = messages.map(({ message, sequence, consumerSequence, deliveries, pending }) => {
      const numbers = `${sequence} ${consumerSequence} ×${deliveries} ${pending} left`;
      return `${message.subject} ${numbers} ${JSON.stringify(message.string())}${fieldsOf(message)}`;
    });
    return [...lines, JSON.stringify(end ?? 'complete')].join('\n    ');
  }

  async #acknowledge(place: number, kind: string): Promise<string> {
    if (this.#outstanding.length === 0) return 'nothing is outstanding';
    const at = place % this.#outstanding.length;
    const delivery = this.#outstanding[at]!;
    if (kind !== '+WPI') this.#outstanding.splice(at, 1);
    const reply = delivery.message.reply!;
    const answer = await this.#answer(reply, kind);
    // nats-server removes what nobody needs any more some time after it has answered.
    const [, , stream] = reply.split('.');
    await settled(() => this.#json(`STREAM.INFO.${stream}`, ''));
    return `${delivery.sequence} ×${delivery.deliveries}: ${answer}`;
  }

  async #json(verb: string, body: string): Promise<Record<string, unknown>> {
    return (await this.#ask(`$JS.API.${verb}`, body)).json();
  }

  async #answer(subject: string, body: string, options = {}): Promise<string> {
    try {
      return shown(await this.#ask(subject, body, options));
    } catch (error) {
      if (error instanceof errors.RequestError && error.isNoResponders()) return 'nobody answers';
      throw error;
    }
  }

  #ask(subject: string, body: string, options = {}): Promise<Msg> {
    return this.#nc.request(subject, body, { timeout: 5_000, ...options });
  }
}

/**
 * An answer without what differs from server to server and says nothing: moments and their presence, how many requests
 * there were, the zeros that come along with an error, and the time of the first message when there is none.
 */
function withoutAccidents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAccidents);
  if (typeof value !== 'object' || value === null) return value;
  const all = value as Readonly<Record<string, unknown>>;
  if (all.error !== undefined && all.type !== undefined) return { type: all.type, error: all.error };
  const kept = Object.entries(all).filter(
    ([key]) =>
      !['last_active', 'api', 'limit'].includes(key) &&
      !(key === 'first_ts' && all.messages === 0) &&
      !(key === 'first_seq' && all.last_seq === 0),
  );
  return Object.fromEntries(
    kept
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, accident(key, one) ?? withoutAccidents(one)]),
  );
}

/**
 * nats-server forgets to end a request that does not wait when more is there than may be handed out, or when what is
 * there was delivered as often as it may. Such a request gets an end in time.
 */
function endingByItself(request: PullRequest, info: Record<string, unknown>): PullRequest {
  const { max_ack_pending: most = 0, max_deliver = -1 } = info.config as Partial<Record<string, number>>;
  const free = most > 0 ? most - (info.num_ack_pending as number) : Number.POSITIVE_INFINITY;
  const { no_wait, batch = 1, ...rest } = request;
  return no_wait && (free < batch || max_deliver > 0) ? { ...rest, batch, expires: 50_000_000 } : request;
}

/** Moments are replaced by a word; the one that means "never" is not an accident. */
function accident(key: string, value: unknown): string | undefined {
  const moments = ['created', 'time', 'first_ts', 'last_ts', 'ts'];
  return moments.includes(key) && value !== '0001-01-01T00:00:00Z' ? 'a moment' : undefined;
}

function shown(message: Msg): string {
  const status = statusOf(message);
  return status === undefined ? `${message.string()}${fieldsOf(message)}` : JSON.stringify(status);
}

function fieldsOf({ headers: fields }: Msg): string {
  if (fields === undefined) return '';
  const values = fields
    .keys()
    .map((key) => [key, accident(key === 'Nats-Time-Stamp' ? 'time' : key, '') ?? fields.values(key)]);
  return ` ${JSON.stringify(Object.fromEntries(values))}`;
}

async function settled<T>(ask: () => Promise<T>): Promise<T> {
  for (let last = await ask(), same = 0; ; ) {
    const next = await ask();
    same = isDeepStrictEqual(next, last) ? same + 1 : 0;
    if (same === 2) return next;
    last = next;
  }
}

/**
 * Without the places in the stream at which consumers say they are, and how much they say is ahead. After a purge
 * nats-server puts some consumers right and not others; what is delivered does not depend on it.
 */
export function withoutPlaces(transcript: Transcript): Transcript {
  return transcript.map((line) =>
    line
      .replaceAll(/("consumer_seq":\d+),"stream_seq":\d+/g, '$1')
      .replaceAll(/"num_pending":\d+/g, '"num_pending"')
      .replaceAll(/(×\d+) \d+ left/g, '$1'),
  );
}
