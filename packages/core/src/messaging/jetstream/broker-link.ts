/**
 * Whether the broker is there, for all that this process sends and reads. The client library goes on trying for ever; what it
 * was given while there was no connection is lost, so everybody who sends has to know.
 */
import type { NatsConnection } from '@nats-io/nats-core';
import { type FlotillaError, platformError } from '../../errors/flotilla-error.ts';

export interface LinkListener {
  /** The connection broke: what was sent lately may not have arrived. */
  lost?(): void;
  /** There is a new connection. Subscriptions are on it already. */
  back?(): void;
  /** There will be no other connection. */
  closed?(): void;
}

export class BrokerLink {
  readonly connection: NatsConnection;
  readonly #listeners = new Set<LinkListener>();
  #isUp = true;
  #isClosed = false;

  constructor(connection: NatsConnection) {
    this.connection = connection;
    this.#isClosed = connection.isClosed();
    void this.#follow();
    void connection.closed().then(() => this.#close());
  }

  get isUp(): boolean {
    return this.#isUp && !this.#isClosed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Tells `listener` of every change until the returned function is called. */
  listen(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Work that asks the broker: given up as soon as the connection is lost, since no answer comes any more. */
  whileUp<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isUp) return Promise.reject(lostConnection());
    return new Promise<T>((resolve, reject) => {
      const giveUp = (): void => reject(lostConnection());
      const stop = this.listen({ lost: giveUp, closed: giveUp });
      work().then(resolve, reject).finally(stop);
    });
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === 'disconnect') this.#lose();
      else if (type === 'reconnect') this.#return();
    }
  }

  #lose(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    for (const listener of this.#listeners) listener.lost?.();
  }

  #return(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    for (const listener of this.#listeners) listener.back?.();
  }

  #close(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners) listener.closed?.();
  }
}

function lostConnection(): FlotillaError {
  return platformError(
    'unavailable',
    'there is no connection to the broker: `flotilla ps` shows whether it runs',
  );
}
