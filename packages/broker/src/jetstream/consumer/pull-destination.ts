/** Delivery to those who ask: each request gets one message in turn, until it has its batch or its time is up. */
import type { StoredMessage } from '../stream/stored-message.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import type { ConsumerOutput } from './consumer-output.ts';
import { type Destination, type Sent, sizeOf } from './destination.ts';
import { showGoDuration } from './go-duration.ts';
import { BadPullRequest, nextHeartbeat, type PullRequest, readPullRequest } from './pull-request.ts';
import { Status } from './status.ts';
import { WaitingQueue } from './waiting-queue.ts';

const NS_PER_MS = 1e6;

/** What heartbeats tell. */
export interface Delivered {
  readonly consumer: number;
  readonly stream: number;
}

export class PullDestination implements Destination {
  readonly #waiting: WaitingQueue;
  readonly #output: ConsumerOutput;
  readonly #delivered: () => Delivered;
  #config: ConsumerConfig;

  constructor(config: ConsumerConfig, output: ConsumerOutput, delivered: () => Delivered) {
    this.#config = config;
    this.#output = output;
    this.#delivered = delivered;
    this.#waiting = new WaitingQueue(config.max_waiting);
  }

  get isWanted(): boolean {
    return this.#waiting.size > 0;
  }

  get deadline(): number {
    return this.#waiting.earliest;
  }

  configure(config: ConsumerConfig): void {
    this.#config = config;
  }

  /**
   * Takes a request, or refuses it with a status.
   *
   * @param body wire text.
   * @param available messages that could be delivered.
   */
  request(body: string, inbox: string, available: () => number, now: number): void {
    let request: PullRequest;
    try {
      request = readPullRequest(body, inbox, now);
    } catch (error) {
      if (!(error instanceof BadPullRequest)) throw error;
      this.#output.status(inbox, Status.badRequest(error.message), '');
      return;
    }
    const refusal = this.#refusalOf(request, available, now);
    if (refusal === undefined) this.#waiting.add(request);
    else this.#output.status(inbox, refusal, '');
  }

  send(message: StoredMessage, reply: string, now: number): Sent {
    const size = sizeOf(message, reply);
    let saturated = false;
    for (let left = this.#waiting.size; left > 0; left--) {
      const request = this.#waiting.first!;
      const ending = endingOf(request, size, now);
      if (ending !== undefined) {
        this.#waiting.removeFirst();
        this.#output.status(request.inbox, ending, '');
        continue;
      }
      const delivery = this.#output.deliver(request.inbox, message, reply);
      if (delivery === 'taken') {
        this.#count(request, size, now);
        return 'taken';
      }
      if (delivery === 'saturated') {
        saturated = true;
        this.#waiting.rotate();
      } else this.#waiting.removeFirst();
    }
    return saturated ? 'later' : 'nobody';
  }

  settle(now: number, dry: boolean): void {
    if ((dry && this.#waiting.hasNoWait) || now >= this.#waiting.earliest) this.sift(now, dry);
  }

  /**
   * Ends requests whose time is up or whose client is gone, and sends the heartbeats that are due.
   *
   * @returns how many are left.
   */
  sift(now: number, dry: boolean): number {
    this.#waiting.sift((request) => {
      const isServed = dry && request.noWait && request.delivered > 0;
      if (isServed || now >= request.expiresAt) {
        this.#output.status(request.inbox, Status.requestTimeout(request), '');
        return false;
      }
      if (!this.#output.hasInterest(request.inbox)) return false;
      if (now >= request.heartbeatAt) {
        const { consumer, stream } = this.#delivered();
        this.#output.status(request.inbox, Status.heartbeat(consumer, stream, ''), '');
        request.heartbeatAt = nextHeartbeat(now, request.heartbeat);
      }
      return true;
    });
    return this.#waiting.size;
  }

  /** The consumer is deleted. */
  end(): void {
    this.#waiting.sift((request) => {
      this.#output.status(request.inbox, Status.consumerDeleted, '');
      return false;
    });
  }

  #refusalOf(request: PullRequest, available: () => number, now: number): string | undefined {
    const { max_batch, max_expires, max_bytes } = this.#config;
    if (max_batch > 0 && request.remaining > max_batch) return Status.exceededBatch(max_batch);
    const wait = request.expiresAt - now;
    if (max_expires > 0 && wait !== Number.POSITIVE_INFINITY && wait > max_expires / NS_PER_MS) {
      return Status.exceededExpires(showGoDuration(max_expires));
    }
    if (max_bytes > 0 && request.bytes > max_bytes) return Status.exceededBytes(max_bytes);
    if (this.#waiting.isFull) this.sift(now, false);
    if (request.noWait) {
      const messages = available();
      if (messages === 0 && request.expiresAt === Number.POSITIVE_INFINITY) return Status.noMessages;
      if (messages > 0 && this.#waiting.size > 0) {
        this.sift(now, false);
        if (messages < this.#waiting.wanted) return Status.requestsPending;
      }
    }
    return this.#waiting.isFull ? Status.exceededMaxWaiting : undefined;
  }

  #count(request: PullRequest, size: number, now: number): void {
    request.delivered++;
    request.remaining--;
    if (request.limitsBytes) request.bytes -= size;
    if (request.heartbeat > 0) request.heartbeatAt = nextHeartbeat(now, request.heartbeat);
    const done = request.remaining <= 0 || (request.limitsBytes && request.bytes === 0);
    if (done) this.#waiting.removeFirst();
    else this.#waiting.rotate();
  }
}

/** The status with which a request ends instead of getting a message of this size. */
function endingOf(request: PullRequest, size: number, now: number): string | undefined {
  if (request.limitsBytes && size > request.bytes) return Status.sizeExceedsMaxBytes(request);
  return now >= request.expiresAt ? Status.requestTimeout(request) : undefined;
}
