/**
 * One client connection, from INFO to the end of its socket: carries the operations of the parser to the router and
 * the router's deliveries to the socket.
 *
 * A connection never lets another one wait without bound. What a client does not take is bounded in bytes and in
 * time; whoever exceeds either is disconnected as a slow consumer. Shortly before that, publishers that feed it are
 * held back for a moment.
 */
import type { Socket } from 'node:net';
import type { Authenticator } from '../credentials.ts';
import type { Limits } from '../limits.ts';
import { type ConnectOptions, initialConnectOptions, readConnect } from '../protocol/connect-options.ts';
import type { SubjectInterner } from '../protocol/interner.ts';
import { Parser, type ProtocolSink } from '../protocol/parser.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import { isLiteral, isSubscribable } from '../protocol/subject.ts';
import { Message } from '../routing/message.ts';
import type { Router } from '../routing/router.ts';
import type { Subscriber, Subscription } from '../routing/subscription.ts';
import { ClientBacklog } from './backlog.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Counters } from './counters.ts';
import { Deadlines } from './deadlines.ts';
import { HoldBack } from './hold-back.ts';
import type { Log } from './log.ts';
import { Outbound } from './outbound.ts';

/** What all connections of a broker share. */
export interface ConnectionHost {
  readonly router: Router;
  readonly limits: Limits;
  readonly authenticator: Authenticator;
  readonly subjects: SubjectInterner;
  readonly pool: BufferPool;
  readonly counters: Counters;
  readonly log: Log;
  /** The connection that last came near its pending limit, until a publisher has been held back for it. */
  congested: Connection | undefined;
  /** Calls `flush` at the end of this turn of the event loop. */
  schedule(connection: Connection): void;
  infoLine(connection: Connection): string;
  forget(connection: Connection): void;
}

/** Once everything is sent, a client has this long to close its side, in ms. */
const LINGER_MS = 500;
const STATUS_NO_RESPONDERS = Buffer.from('NATS/1.0 503\r\n\r\n', 'latin1');
const NO_BODY = Buffer.alloc(0);

export class Connection implements ProtocolSink, Subscriber {
  readonly id: number;
  readonly address: string;
  readonly backlog: ClientBacklog;
  echo = true;

  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  readonly #parser: Parser;
  readonly #outbound: Outbound;
  readonly #deadlines: Deadlines;
  readonly #holdBack: HoldBack;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Pending bytes from which on publishers are held back. */
  readonly #congestedAt: number;
  #options: ConnectOptions = initialConnectOptions();
  #closing = false;
  #dirty = false;

  constructor(host: ConnectionHost, socket: Socket, id: number, now: number) {
    this.id = id;
    this.address = socket.remoteAddress ?? '';
    this.#host = host;
    this.#socket = socket;
    this.#parser = new Parser(this, host.limits, host.subjects);
    this.#outbound = new Outbound(socket, host.pool, () => this.#written());
    this.#deadlines = new Deadlines(host.limits, now);
    this.#holdBack = new HoldBack(socket);
    this.backlog = new ClientBacklog(() => this.#outbound.pending, host.limits.maxPending);
    this.#congestedAt = host.limits.maxPending * 0.75;
    this.#parser.awaitingConnect = host.authenticator.required;
    this.#deadlines.authenticated = !host.authenticator.required;

    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => host.log('debug', 'client connection failed', { client: id, error }));
    socket.on('end', () => this.#end(undefined));
    socket.on('close', () => this.#gone());
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  get pendingBytes(): number {
    return this.#outbound.pending;
  }

  sendInfo(): void {
    this.#send(this.#host.infoLine(this));
  }

  /** Tells a client that understands asynchronous INFO. */
  announce(): void {
    if (this.#options.protocol >= 1) this.sendInfo();
  }

  /** Refuses a connection that should not have been made. */
  refuse(text: ProtocolError): void {
    this.#parser.halt();
    this.#end(text);
  }

  /** Sends what is queued and ends the connection. */
  drain(): void {
    this.#parser.halt();
    this.#end(undefined);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  flush(): void {
    this.#dirty = false;
    this.#outbound.flush();
  }

  /** Acts on deadlines. Called several times per shortest interval. */
  tick(now: number): void {
    if (this.#closing) return;
    const { counters } = this.#host;
    switch (this.#deadlines.check(now, this.#socket.writableLength > 0)) {
      case 'authentication-timeout':
        counters.authFailures++;
        this.#warn('client did not authenticate in time');
        this.refuse(ProtocolError.authenticationTimeout);
        break;
      case 'write-timeout':
        this.#disconnectSlow('took nothing within the write deadline');
        break;
      case 'stale':
        counters.staleConnections++;
        this.#warn('client answers no PING');
        this.refuse(ProtocolError.staleConnection);
        break;
      case 'send-ping':
        this.#send('PING\r\n');
        break;
      case 'fine':
    }
  }

  connect(json: string): void {
    const options = readConnect(json, this.#options);
    if (options === undefined) {
      this.#breach(undefined);
      return;
    }
    const fault = this.#faultOf(options);
    if (fault !== undefined) {
      this.violation(fault);
      return;
    }
    options.authToken = '';
    options.pass = '';
    this.#options = options;
    this.#deadlines.authenticated = true;
    this.echo = options.echo;
    this.#parser.awaitingConnect = false;
    this.#parser.headersEnabled = options.headers;
    if (options.verbose) this.#send('+OK\r\n');
  }

  publish(message: Message): void {
    const options = this.#options;
    const { counters, router } = this.#host;
    counters.inMessages++;
    counters.inBytes += message.end - message.start;
    if (options.pedantic && !isLiteral(message.subject)) this.#complain(ProtocolError.invalidPublishSubject);
    if (options.verbose) this.#send('+OK\r\n');
    const taken = router.publish(this, message);
    if (taken === 0 && options.noResponders && message.reply !== '') this.#answerNoResponders(message.reply);
  }

  subscribe(subject: string, queue: string, sid: string): void {
    const { maxSubscriptions } = this.#host.limits;
    const subscriptions = this.#subscriptions;
    if (maxSubscriptions > 0 && subscriptions.size >= maxSubscriptions) {
      this.#complain(ProtocolError.maximumSubscriptions);
      return;
    }
    // A sid that is taken keeps its first subscription; nats-server answers no error either.
    if (!subscriptions.has(sid)) {
      if (!isSubscribable(subject)) {
        this.#complain(ProtocolError.invalidSubject);
        return;
      }
      subscriptions.set(sid, this.#host.router.subscribe(this, subject, queue, sid));
    }
    if (this.#options.verbose) this.#send('+OK\r\n');
  }

  unsubscribe(sid: string, max: number): void {
    const subscription = this.#subscriptions.get(sid);
    if (subscription !== undefined) this.#host.router.limit(subscription, max);
    if (this.#options.verbose) this.#send('+OK\r\n');
  }

  ping(): void {
    this.#send('PONG\r\n');
  }

  pong(): void {
    this.#deadlines.answered();
  }

  violation(text: ProtocolError | undefined): void {
    if (text !== ProtocolError.authorizationViolation) {
      this.#breach(text);
      return;
    }
    this.#host.counters.authFailures++;
    this.#warn('client presented no accepted credential');
    this.refuse(text);
  }

  deliver(subscription: Subscription, message: Message): boolean {
    if (this.#closing) return false;
    const size = Outbound.sizeOf(message, subscription.sid);
    const pending = this.#outbound.pending + size;
    if (pending > this.#congestedAt) {
      if (pending > this.#host.limits.maxPending) {
        this.#disconnectSlow('has too many bytes waiting');
        return false;
      }
      this.#host.congested = this;
    }
    this.#outbound.message(message, subscription.sid, this.#options.headers);
    const { counters } = this.#host;
    counters.outMessages++;
    counters.outBytes += message.end - message.start;
    if (!this.#dirty) this.#schedule();
    return true;
  }

  expired(subscription: Subscription): void {
    this.#subscriptions.delete(subscription.sid);
  }

  #receive(chunk: Buffer): void {
    if (this.#closing) return;
    this.#deadlines.heard();
    this.#parser.parse(chunk);
    const congested = this.#host.congested;
    if (congested !== undefined) {
      this.#host.congested = undefined;
      if (!congested.#closing && !this.#closing) this.#holdBack.waitFor(congested.#holdBack);
    }
  }

  #send(wire: string): void {
    if (this.#closing) return;
    if (this.#outbound.pending + wire.length > this.#host.limits.maxPending) {
      this.#disconnectSlow('has too many bytes waiting');
      return;
    }
    this.#outbound.text(wire);
    if (!this.#dirty) this.#schedule();
  }

  #schedule(): void {
    this.#dirty = true;
    this.#host.schedule(this);
  }

  #complain(text: ProtocolError): void {
    this.#host.counters.protocolErrors++;
    this.#send(`-ERR '${text}'\r\n`);
  }

  #faultOf(options: ConnectOptions): ProtocolError | undefined {
    const { authenticator } = this.#host;
    if (authenticator.required && !authenticator.accepts(options))
      return ProtocolError.authorizationViolation;
    if (options.protocol < 0 || options.protocol > 1) return ProtocolError.invalidClientProtocol;
    if (options.noResponders && !options.headers) return ProtocolError.noRespondersRequiresHeaders;
    return undefined;
  }

  #answerNoResponders(reply: string): void {
    const own = this.#host.router.ownPlain(this, reply);
    if (own === undefined) return;
    // Not through the router: it counts neither towards the subscription's maximum nor as an echo.
    this.deliver(own, Message.of(reply, '', STATUS_NO_RESPONDERS, NO_BODY));
  }

  #written(): void {
    this.#deadlines.written();
    this.backlog.drained();
    if (this.#holdBack.isWaitedFor && this.#outbound.pending < this.#congestedAt / 2)
      this.#holdBack.release();
  }

  #warn(message: string): void {
    this.#host.log('warn', message, { client: this.id, name: this.#options.name, address: this.address });
  }

  /** The client broke the protocol. */
  #breach(text: ProtocolError | undefined): void {
    this.#host.counters.protocolErrors++;
    this.#host.log('debug', 'client broke the protocol', { client: this.id, error: text });
    this.#parser.halt();
    this.#end(text);
  }

  #disconnectSlow(reason: string): void {
    if (this.#closing) return;
    this.#host.counters.slowConsumers++;
    this.#warn(`slow consumer: client ${reason}`);
    this.#leave();
    this.#parser.halt();
    this.#outbound.discard();
    this.#socket.destroy();
  }

  /** Stops taking part; what is queued is still sent. */
  #end(text: ProtocolError | undefined): void {
    if (this.#closing) return;
    if (text !== undefined) this.#send(`-ERR '${text}'\r\n`);
    this.#leave();
    this.#outbound.flush();
    const socket = this.#socket;
    // Input is read and dropped until the client has gone: closing with unread input would reset the connection and
    // could take the last bytes away from the client.
    socket.resume();
    let cut = setTimeout(() => socket.destroy(), this.#host.limits.writeDeadlineMs);
    socket.once('finish', () => {
      clearTimeout(cut);
      cut = setTimeout(() => socket.destroy(), LINGER_MS);
    });
    socket.once('close', () => clearTimeout(cut));
    socket.end();
  }

  #leave(): void {
    if (this.#closing) return;
    this.#closing = true;
    for (const subscription of this.#subscriptions.values()) this.#host.router.unsubscribe(subscription);
    this.#subscriptions.clear();
    this.#holdBack.end();
    this.backlog.end();
  }

  #gone(): void {
    this.#leave();
    this.#parser.halt();
    this.#outbound.discard();
    this.#host.forget(this);
  }
}
