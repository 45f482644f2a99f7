/**
 * Discovery over the broker: announces this process, listens to the others, and keeps the table of live instances.
 *
 * Subjects, for a fleet called `f`: `flotilla.f.announce` for what everybody should know; `flotilla.f.alive.<service>` for
 * the heartbeat, once a second, which those hear who call the service (or want to hear all); `flotilla.f.goodbye`; and
 * `flotilla.f.who`, to which every member answers the asker with an announcement, so that a newcomer knows all at once
 * and nobody else is bothered.
 * While the broker is away the table stays as it is; who comes back to the broker says so and does not ask, because the
 * others do the same.
 */
import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../telemetry/log.ts';
import { AnnouncementReader } from './announcement-reader.ts';
import { AnnouncementSchedule, generalMs, heartbeatMs } from './announcement-schedule.ts';
import { BrokerWatch } from './broker-watch.ts';
import { Goodbye, type Instance } from './instance.ts';
import { InstanceTable, type TableChange, timeToLiveMs } from './instance-table.ts';

const checkEveryMs = heartbeatMs / 2;
/** Members answer `who` within this time, each at its own moment, so that a newcomer is not answered by a storm. */
const answerJitterMs = 20;
/**
 * After this long a newcomer has heard of everybody who is there, even when the broker has just begun, too, and the others
 * return to it only now: they try every 250 ms at least, and say so within another 250 ms.
 */
const settleMs = 750;
/** An instance whose heartbeats are not listened to is gone when it misses so many announcements for everybody. */
const unheardTimeToLiveMs = 3 * generalMs + timeToLiveMs;
/** Goodbyes that are kept while the broker is away. */
const mostUnsaid = 1_000;

export interface DiscoveryOptions {
  readonly connection: NatsConnection;
  readonly fleet: string;
  readonly log: Logger;
  /** Whose heartbeats to listen to: default all; `wanted`: of services that {@link Discovery.want} names. */
  readonly heartbeats?: 'all' | 'wanted';
  /** Whether a silent instance is known to be alive by other means. */
  readonly vouch: (instance: Instance) => boolean;
}

export type ChangeListener = (change: TableChange) => void;

export class Discovery {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #log: Logger;
  readonly #vouch: (instance: Instance) => boolean;
  readonly #hearsAll: boolean;
  readonly #wanted = new Set<string>();
  readonly #table = new InstanceTable();
  readonly #announcements = new AnnouncementReader();
  readonly #listeners = new Set<ChangeListener>();
  readonly #watch = new BrokerWatch(performance.now());
  readonly #schedule = new AnnouncementSchedule(performance.now(), Math.random());
  /** Deaths of others that were reported while the broker was away. */
  readonly #unsaid: Goodbye[] = [];
  #timer: NodeJS.Timeout | undefined;
  #checkAt = performance.now() + checkEveryMs;
  #self: Instance | undefined;
  #settled = false;
  #isAway = false;
  #isProbing = false;
  #isStopped = false;

  constructor(options: DiscoveryOptions) {
    this.#connection = options.connection;
    this.#prefix = `flotilla.${options.fleet}`;
    this.#log = options.log;
    this.#vouch = options.vouch;
    this.#hearsAll = options.heartbeats !== 'wanted';
  }

  /** Starts to listen, and asks who is there. Resolves when the question has reached the broker. */
  async start(): Promise<void> {
    const inbox = createInbox();
    this.#listen(inbox, ({ data }) => this.#onAnnounce(data));
    this.#listen(`${this.#prefix}.announce`, ({ data }) => this.#onAnnounce(data));
    if (this.#hearsAll) this.#listen(`${this.#prefix}.alive.*`, ({ data }) => this.#onAnnounce(data));
    this.#listen(`${this.#prefix}.goodbye`, ({ data }) => this.#onGoodbye(data));
    this.#listen(`${this.#prefix}.who`, (question) => {
      setTimeout(() => this.#answer(question), Math.random() * answerJitterMs).unref();
    });
    this.#arm();
    void this.#followConnection();
    this.#connection.publish(`${this.#prefix}.who`, '{}', { reply: inbox });
    await this.#connection.flush();
    setTimeout(() => {
      this.#settled = true;
    }, settleMs).unref();
  }

  /** Listens to the heartbeats of a service, from now on. */
  want(service: string): void {
    if (this.#hearsAll || this.#wanted.has(service)) return;
    this.#wanted.add(service);
    this.#listen(`${this.#prefix}.alive.${service}`, ({ data }) => this.#onAnnounce(data));
    this.#table.listensTo(service, performance.now());
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

  /** Says now to everybody, and every second from now on to those who want to know, that this process is `self`. */
  announce(self: Instance): void {
    this.#self = self;
    this.#announce();
  }

  /**
   * Says that an instance is gone: this process on its way out, or a dead one, reported by who saw it die. While the broker
   * is away, that is said when it is back.
   */
  goodbye(goodbye: Goodbye): void {
    if (goodbye.instance === this.#self?.instance) this.#self = undefined;
    if (this.#watch.isConnected) this.#publish('goodbye', goodbye);
    else if (this.#unsaid.length < mostUnsaid) this.#unsaid.push(goodbye);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    if (this.#self) this.goodbye(this.#self);
    this.#listeners.clear();
  }

  #announce(): void {
    if (this.#self && this.#watch.isConnected) this.#publish('announce', this.#self);
  }

  #beatNow(): void {
    if (!this.#self || !this.#watch.isConnected) return;
    this.#publish(`alive.${this.#self.service}`, this.#self);
  }

  #listen(subject: string, handle: (message: Msg) => void): void {
    if (this.#connection.isClosed()) return;
    this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) {
          this.#log.warn('discovery subscription failed', { subject, error });
          return;
        }
        this.#heard();
        handle(message);
      },
    });
  }

  #answer(question: Msg): void {
    if (!this.#self || this.#connection.isClosed()) return;
    if (question.reply) question.respond(JSON.stringify(this.#self));
    else this.#announce();
  }

  /** One timer for the heartbeat and for looking who is silent: every wake of an idle process costs. */
  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    // A timer forgets fractions of a millisecond, and would come too early.
    const delayMs = Math.ceil(Math.min(this.#schedule.dueAt, this.#checkAt) - performance.now());
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, delayMs)).unref();
  }

  #wake(): void {
    const now = performance.now();
    if (now >= this.#schedule.dueAt) {
      if (this.#schedule.isGeneral) this.#announce();
      else this.#beatNow();
      this.#schedule.announced(now);
    }
    this.#checkAt = now + checkEveryMs;
    this.#arm();
    this.#expire();
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
    if (this.#watch.wantsProbe(now)) this.#probe();
    if (this.#watch.isAway(now)) {
      this.#goneAway('broker is silent: going on with the last known instances');
      return;
    }
    const ttlOf = ({ service }: Instance) =>
      this.#hearsAll || this.#wanted.has(service) ? timeToLiveMs : unheardTimeToLiveMs;
    for (const change of this.#table.expire(now, this.#vouch, ttlOf)) {
      this.#log.warn('an instance is silent and was taken out', { silent: change.instance.instance });
      this.#tell(change);
    }
  }

  #heard(): void {
    const now = performance.now();
    if (!this.#watch.heard(now)) return;
    this.#table.listensAgain(now);
    if (this.#isAway) this.#log.info('broker is back');
    this.#isAway = false;
  }

  #goneAway(message: string): void {
    if (!this.#isAway) this.#log.warn(message);
    this.#isAway = true;
  }

  #probe(): void {
    if (this.#isProbing || this.#connection.isClosed()) return;
    this.#isProbing = true;
    const done = () => {
      this.#isProbing = false;
    };
    // It fails when the connection breaks; `#followConnection` hears of that.
    this.#connection.flush().then(() => {
      done();
      this.#heard();
    }, done);
  }

  #tell(change: TableChange | undefined): void {
    if (!change) return;
    if (change.kind === 'left') this.#announcements.forget(change.instance.instance);
    for (const listener of this.#listeners) listener(change);
  }

  async #followConnection(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'disconnect') {
        this.#watch.lost();
        this.#goneAway('broker is away: going on with the last known instances');
      } else if (status.type === 'reconnect') {
        this.#heard();
        for (const goodbye of this.#unsaid.splice(0)) this.#publish('goodbye', goodbye);
        this.#schedule.rejoined(performance.now(), Math.random());
        this.#arm();
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
