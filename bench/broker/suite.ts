/**
 * The suite `broker`: durable publishes that are acknowledged, their way to a handler in another process, and core publish
 * and subscribe, on our broker and its peers. They take turns in every round; medians over the rounds count.
 */

import type { Drive } from '../drive.ts';
import { processTree } from '../idle/process-tree.ts';
import type { Server } from '../servers/server.ts';
import { median } from '../statistics.ts';
import { type BrokerPeer, createBrokerPeer } from './broker-peer.ts';
import type { BrokerContender } from './contender.ts';
import { contenders } from './contenders.ts';
import type { Handled } from './peer.ts';

export interface BrokerOptions {
  /** Names of contenders; empty: all. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** Seconds of each measurement. */
  readonly seconds: number;
  readonly inFlight: readonly number[];
  readonly talk: (line: string) => void;
}

export interface BrokerRow {
  readonly name: string;
  /**
   * `with traces`: acknowledged, and the client as it comes. `from behind`: to a handler, of what was stored before there was
   * one; its times are the ages of the messages.
   */
  readonly what: 'acknowledged' | 'with traces' | 'from behind' | 'to the handler' | 'core';
  /** Publishes that wait for their acknowledgement; NaN where nothing waits. */
  readonly inFlight: number;
  readonly perSecond: number;
  /** Of the acknowledgement, or of the way to the handler. */
  readonly p50us: number;
  readonly p99us: number;
  /** Server and clients together. */
  readonly cpuUsPerMessage: number;
}

export async function runBroker(options: BrokerOptions): Promise<BrokerRow[]> {
  const measured = new Map<string, BrokerRow[]>();
  const present = contenders.filter(({ name, missing }) => {
    if (options.only.length > 0 && !options.only.includes(name)) return false;
    const reason = missing?.();
    if (reason !== undefined) options.talk(`${name} does not take part: ${reason}`);
    return reason === undefined;
  });
  for (let round = 1; round <= options.rounds; round++) {
    for (const contender of present) {
      options.talk(`round ${round} of ${options.rounds}: ${contender.name}`);
      for (const row of await measure(contender, options)) {
        const key = `${row.name} ${row.what} ${row.inFlight}`;
        measured.set(key, [...(measured.get(key) ?? []), row]);
      }
    }
  }
  return [...measured.values()].map(middle);
}

function middle(rows: readonly BrokerRow[]): BrokerRow {
  const of = (field: 'perSecond' | 'p50us' | 'p99us' | 'cpuUsPerMessage') =>
    median(rows.map((row) => row[field]));
  return {
    ...rows[0]!,
    perSecond: Math.round(of('perSecond')),
    p50us: Math.round(of('p50us')),
    p99us: Math.round(of('p99us')),
    cpuUsPerMessage: Math.round(of('cpuUsPerMessage') * 10) / 10,
  };
}

async function measure(contender: BrokerContender, options: BrokerOptions): Promise<BrokerRow[]> {
  const server = await contender.start();
  const publisher = createBrokerPeer();
  const asItComes = createBrokerPeer({ stackTraces: true });
  const consumer = createBrokerPeer();
  try {
    const stage = new Stage(contender.name, server, publisher, consumer, options.seconds);
    const rows = [
      ...(await stage.acknowledged([64], 'with traces', asItComes)),
      ...(await stage.acknowledged(options.inFlight, 'acknowledged', publisher)),
      ...(await stage.handled(options.inFlight)),
      ...(await stage.core()),
    ];
    await Promise.all([publisher, asItComes, consumer].map((peer) => peer.ask({ type: 'close' })));
    return rows;
  } finally {
    for (const peer of [publisher, asItComes, consumer]) peer.kill();
    server.stop();
  }
}

/** One broker with a publishing and a consuming process. */
class Stage {
  readonly #name: string;
  readonly #server: Server;
  readonly #publisher: BrokerPeer;
  readonly #consumer: BrokerPeer;
  readonly #seconds: number;
  /** Published, and not told of as handled. */
  #unhandled = 0;

  constructor(name: string, server: Server, publisher: BrokerPeer, consumer: BrokerPeer, seconds: number) {
    this.#name = name;
    this.#server = server;
    this.#publisher = publisher;
    this.#consumer = consumer;
    this.#seconds = seconds;
  }

  /** Publishes alone: nobody consumes. */
  async acknowledged(
    inFlight: readonly number[],
    what: BrokerRow['what'],
    publisher: BrokerPeer,
  ): Promise<BrokerRow[]> {
    await publisher.ask({ type: 'connect', name: this.#name, url: this.#server.url });
    const rows: BrokerRow[] = [];
    for (const count of inFlight) {
      await this.#publish(publisher, count, Math.min(0.5, this.#seconds));
      const before = await this.#cpuUs(publisher);
      const { calls, seconds, p50us, p99us } = await this.#publish(publisher, count, this.#seconds);
      const cpuUsPerMessage = ((await this.#cpuUs(publisher)) - before) / calls;
      rows.push(
        this.#row({ what, inFlight: count, perSecond: calls / seconds, p50us, p99us, cpuUsPerMessage }),
      );
    }
    return rows;
  }

  /** With a handler in another process, which takes what was published before first. */
  async handled(inFlight: readonly number[]): Promise<BrokerRow[]> {
    await this.#consumer.ask({ type: 'connect', name: this.#name, url: this.#server.url });
    const beforeAll = await this.#cpuUs();
    await this.#consumer.ask({ type: 'consume', group: { name: 'handlers' } });
    const rows = [await this.#handledRow('from behind', Number.NaN, beforeAll)];
    for (const count of inFlight) {
      const before = await this.#cpuUs();
      await this.#publish(this.#publisher, count, this.#seconds);
      rows.push(await this.#handledRow('to the handler', count, before));
    }
    return rows;
  }

  async core(): Promise<BrokerRow[]> {
    const { isMissing } = await this.#consumer.ask({ type: 'consume core' });
    if (isMissing) return [];
    const before = await this.#cpuUs();
    const { published } = await this.#publisher.ask({ type: 'publish core', seconds: this.#seconds });
    this.#unhandled += published!;
    return [await this.#handledRow('core', Number.NaN, before)];
  }

  async #handledRow(what: BrokerRow['what'], inFlight: number, cpuBefore: number): Promise<BrokerRow> {
    const { messages, seconds, p50us, p99us } = await this.#handled();
    const cpuUsPerMessage = ((await this.#cpuUs()) - cpuBefore) / messages;
    return this.#row({ what, inFlight, perSecond: messages / seconds, p50us, p99us, cpuUsPerMessage });
  }

  #row(figures: Omit<BrokerRow, 'name'>): BrokerRow {
    return { name: this.#name, ...figures };
  }

  async #publish(publisher: BrokerPeer, inFlight: number, seconds: number): Promise<Drive> {
    const { drive } = await publisher.ask({ type: 'publish', inFlight, seconds });
    this.#unhandled += drive!.calls;
    return drive!;
  }

  /** What was handled since the last time, once everything is that was published. */
  async #handled(): Promise<Handled> {
    const { handled } = await this.#consumer.ask({ type: 'handled', atLeast: this.#unhandled });
    this.#unhandled = 0;
    return handled!;
  }

  async #cpuUs(publisher: BrokerPeer = this.#publisher): Promise<number> {
    const peers = await Promise.all([publisher, this.#consumer].map((peer) => peer.ask({ type: 'cpu' })));
    const server = process.platform === 'linux' ? processTree(this.#server.pid) : [];
    const ofServer = server.reduce((sum, { cpuMs }) => sum + cpuMs * 1_000, 0);
    return peers.reduce((sum, { cpuUs }) => sum + cpuUs!, ofServer);
  }
}
