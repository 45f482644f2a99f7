/**
 * Discovery over the broker: announces this process every second, listens to the others, and keeps the table of live
 * instances.
 *
 * Subjects, for a fleet called `f`: `flotilla.f.announce`, `flotilla.f.goodbye`, and `flotilla.f.who`, to which every
 * member answers with an announcement, so that a newcomer knows all at once.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../telemetry/log.ts';
import { AnnouncementReader } from './announcement-reader.ts';
import { Goodbye, type Instance } from './instance.ts';
import { InstanceTable, type TableChange } from './instance-table.ts';

const heartbeatMs = 1_000;
const checkEveryMs = heartbeatMs / 2;
/** A check that comes so late means that this process stood still (stopped, suspended, starved), not the others. */
const stoodStillMs = 2 * heartbeatMs;
/** Members answer `who` within this time, each at its own moment, so that a newcomer is not answered by a storm. */
const answerJitterMs = 20;
/** After this long a newcomer has heard of everybody who is there. */
const settleMs = 100;

export interface DiscoveryOptions {
  readonly connection: NatsConnection;
  readonly fleet: string;
  readonly log: Logger;
  /** Whether a silent instance is known to be alive by other means. */
  readonly vouch: (instance: Instance) => boolean;
}

export type ChangeListener = (change: TableChange) => void;

export class Discovery {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #log: Logger;
  readonly #vouch: (instance: Instance) => boolean;
  readonly #table = new InstanceTable();
  readonly #announcements = new AnnouncementReader();
  readonly #listeners = new Set<ChangeListener>();
  readonly #timers: NodeJS.Timeout[] = [];
  #self: Instance | undefined;
  #settled = false;
  #checkedAt = performance.now();

  constructor(options: DiscoveryOptions) {
    this.#connection = options.connection;
    this.#prefix = `flotilla.${options.fleet}`;
    this.#log = options.log;
    this.#vouch = options.vouch;
  }

  /** Starts to listen, and asks who is there. Resolves when the question has reached the broker. */
  async start(): Promise<void> {
    const listen = (subject: string, handle: (payload: Uint8Array) => void) =>
      this.#connection.subscribe(`${this.#prefix}.${subject}`, {
        callback: (error, message) => {
          if (error) this.#log.warn('discovery subscription failed', { subject, error });
          else handle(message.data);
        },
      });
    listen('announce', (payload) => this.#onAnnounce(payload));
    listen('goodbye', (payload) => this.#onGoodbye(payload));
    listen('who', () => setTimeout(() => this.#announce(), Math.random() * answerJitterMs).unref());
    this.#timers.push(
      setInterval(() => this.#announce(), heartbeatMs).unref(),
      setInterval(() => this.#expire(), checkEveryMs).unref(),
    );
    void this.#followConnection();
    this.#ask();
    await this.#connection.flush();
    setTimeout(() => {
      this.#settled = true;
    }, settleMs).unref();
  }

  /**
   * Resolves once an instance of `service` is known, or once a process that has just begun has heard of everybody: from
   * then on at once.
   */
  async settled(service: string): Promise<void> {
    if (this.#settled || this.list(service).length > 0) return;
    await new Promise<void>((resolve) => {
      const forget = this.onChange(({ instance }) => {
        if (instance.service === service) done();
      });
      const timer = setTimeout(() => done(), settleMs);
      const done = () => {
        clearTimeout(timer);
        forget();
        resolve();
      };
    });
  }

  list(service?: string): Instance[] {
    return this.#table.list(service);
  }

  get(instance: string): Instance | undefined {
    return this.#table.get(instance);
  }

  /** Calls `listener` on every change until the returned function is called. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Says now, and every second from now on, that this process is `self`. */
  announce(self: Instance): void {
    this.#self = self;
    this.#announce();
  }

  /** Says that an instance is gone: this process on its way out, or a dead one, reported by who saw it die. */
  goodbye(goodbye: Goodbye): void {
    if (goodbye.instance === this.#self?.instance) this.#self = undefined;
    this.#publish('goodbye', goodbye);
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#self) this.goodbye(this.#self);
    this.#listeners.clear();
  }

  #announce(): void {
    if (this.#self) this.#publish('announce', this.#self);
  }

  #ask(): void {
    this.#publish('who', {});
  }

  #publish(subject: string, body: unknown): void {
    if (this.#connection.isClosed()) return;
    this.#connection.publish(`${this.#prefix}.${subject}`, JSON.stringify(body));
  }

  #onAnnounce(payload: Uint8Array): void {
    let instance: Instance;
    try {
      instance = this.#announcements.read(payload);
    } catch (error) {
      this.#log.warn('ignored an announcement that is not one', { problem: (error as Error).message });
      return;
    }
    this.#tell(this.#table.announced(instance, performance.now()));
  }

  #onGoodbye(payload: Uint8Array): void {
    const parsed = Goodbye.safeParse(parseJson(payload));
    if (parsed.success) this.#tell(this.#table.left(parsed.data));
  }

  #expire(): void {
    const now = performance.now();
    if (now - this.#checkedAt > stoodStillMs) this.#table.listensAgain(now);
    this.#checkedAt = now;
    for (const change of this.#table.expire(now, this.#vouch)) {
      this.#log.warn('an instance is silent and was taken out', { silent: change.instance.instance });
      this.#tell(change);
    }
  }

  #tell(change: TableChange | undefined): void {
    if (!change) return;
    if (change.kind === 'left') this.#announcements.forget(change.instance.instance);
    for (const listener of this.#listeners) listener(change);
  }

  async #followConnection(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'disconnect') {
        this.#table.brokerConnected(false, performance.now());
        this.#log.warn('broker is away: going on with the last known instances');
      } else if (status.type === 'reconnect') {
        this.#table.brokerConnected(true, performance.now());
        this.#log.info('broker is back');
        setTimeout(() => this.#announce(), Math.random() * heartbeatMs).unref();
        this.#ask();
      }
    }
  }
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
}
