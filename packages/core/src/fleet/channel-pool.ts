/**
 * The connections of this process to the instances of one service that it calls: one to each, dialled as soon as the
 * instance is known, dialled again when lost, dropped when the instance leaves the table.
 */
import type { Instance } from '../discovery/instance.ts';
import { platformError } from '../errors/flotilla-error.ts';
import { chooseChannel } from '../rpc/balancer.ts';
import type { Channel, Transport, WireIdentity } from '../rpc/channel.ts';
import type { Logger } from '../telemetry/log.ts';

/** After a failed dial the instance is left alone for this long, so that a dead one costs nothing. */
const redialPauseMs = 100;

interface Link {
  instance: Instance;
  channel: Channel | undefined;
  dialling: Promise<void> | undefined;
  failedAt: number;
}

export interface ChannelPoolOptions {
  readonly service: string;
  readonly identity: WireIdentity;
  readonly transport: Transport;
  readonly log: Logger;
}

export class ChannelPool {
  readonly #options: ChannelPoolOptions;
  readonly #links = new Map<string, Link>();
  /** Channels that take calls now; replaced, never changed, so that the hot path reads one array. */
  #open: readonly Channel[] = [];
  #closed = false;

  constructor(options: ChannelPoolOptions) {
    this.#options = options;
  }

  get service(): string {
    return this.#options.service;
  }

  /** Follows the table: called with the ready instances whenever they change. */
  update(instances: readonly Instance[]): void {
    const wanted = new Map(instances.map((instance) => [instance.instance, instance]));
    for (const [id, link] of this.#links) {
      const next = wanted.get(id);
      if (next?.address === link.instance.address && next.startedAt === link.instance.startedAt) {
        link.instance = next;
        continue;
      }
      this.#links.delete(id);
      // Calls in flight on a leaving instance finish: it says go-away, or its death closes the channel.
      if (link.channel?.state === 'open' && link.channel.inFlight === 0) link.channel.close();
    }
    for (const [id, instance] of wanted) {
      if (this.#links.has(id)) continue;
      const link: Link = { instance, channel: undefined, dialling: undefined, failedAt: -Infinity };
      this.#links.set(id, link);
      this.#dialInBackground(link);
    }
    this.#refresh();
  }

  /** An open channel at once, or undefined when one has to be dialled first. */
  get ready(): Channel | undefined {
    return chooseChannel(this.#open, Math.random);
  }

  /** Whether some link to this instance is open: proof of life for discovery. */
  isConnected(instance: Instance): boolean {
    return this.#links.get(instance.instance)?.channel?.state === 'open';
  }

  /**
   * An open channel, as soon as some instance answers.
   *
   * @throws FlotillaError `unavailable` when no instance is known or none answers.
   */
  async connect(): Promise<Channel> {
    const attempts: Promise<void>[] = [];
    for (const link of this.#links.values()) {
      if (link.dialling) attempts.push(link.dialling);
      else if (performance.now() - link.failedAt >= redialPauseMs) attempts.push(this.#dial(link));
    }
    let failure: unknown;
    try {
      await Promise.any(attempts);
    } catch (error) {
      failure = error;
    }
    const channel = this.ready;
    if (channel) return channel;
    const { service } = this.#options;
    const why = this.#links.size === 0 ? 'no instance is running' : 'no instance answers';
    throw platformError('unavailable', `${service} is unavailable: ${why}`, {
      data: { executed: 'no' },
      cause: failure,
    });
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#links.values()) link.channel?.close();
    this.#links.clear();
    this.#open = [];
  }

  #dial(link: Link): Promise<void> {
    link.dialling ??= this.#connectTo(link).finally(() => {
      link.dialling = undefined;
    });
    return link.dialling;
  }

  /** Keeps dialling for as long as the instance is in the table: the next call should find the channel open. */
  #dialInBackground(link: Link): void {
    this.#dial(link).catch(() => this.#dialLater(link));
  }

  #dialLater(link: Link): void {
    const pause = redialPauseMs * (1 + Math.random());
    setTimeout(() => {
      if (!this.#closed && !link.channel && this.#links.get(link.instance.instance) === link) {
        this.#dialInBackground(link);
      }
    }, pause).unref();
  }

  async #connectTo(link: Link): Promise<void> {
    const { identity, transport, log } = this.#options;
    const { address, service, instance } = link.instance;
    try {
      const channel = await transport.dial({ address, identity, expect: { service, instance } });
      if (this.#closed || this.#links.get(instance) !== link) return channel.close();
      link.channel = channel;
      channel.onDrain(() => this.#refresh());
      channel.onClose((reason) => {
        if (link.channel === channel) link.channel = undefined;
        if (reason) log.debug('connection lost', { to: instance, reason: reason.message });
        this.#refresh();
        this.#dialLater(link);
      });
      this.#refresh();
    } catch (error) {
      link.failedAt = performance.now();
      log.debug('cannot connect', { to: instance, address, error });
      throw error;
    }
  }

  #refresh(): void {
    const open: Channel[] = [];
    for (const { channel } of this.#links.values()) if (channel?.state === 'open') open.push(channel);
    this.#open = open;
  }
}
