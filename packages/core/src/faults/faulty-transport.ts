/**
 * A transport that injects the faults of this process: into the calls that it makes where one is on an edge, into those that
 * it serves where one is on the service or instance.
 */
import type { Channel, DialOptions, ListenOptions, Peer, Transport, WireServer } from '../rpc/channel.ts';
import { hitsEdge, hitsProcess } from './fault-book.ts';
import type { FaultInjector } from './fault-injector.ts';
import { FaultyChannel } from './faulty-channel.ts';
import { FaultyDispatch } from './faulty-dispatch.ts';
import { FaultyLinks } from './faulty-links.ts';

export function faultyTransport(inner: Transport, injector: FaultInjector): Transport {
  return {
    dial: (options) => dial(inner, injector, options),
    listen: (options) => listen(inner, injector, options),
  };
}

async function dial(inner: Transport, injector: FaultInjector, options: DialOptions): Promise<Channel> {
  const { service = '', instance = '' } = options.expect ?? {};
  // Until the peer has proven who it is, faults go by whom it is expected to be.
  let peer: Peer = { service, instance };
  const links = new FaultyLinks(injector, (fault) => hitsEdge(fault, injector.identity, peer));
  const detach = injector.attach(links);
  try {
    const channel = await inner.dial({ ...options, observer: links });
    peer = channel.peer;
    links.faultsChanged(injector.active);
    channel.onClose(detach);
    return new FaultyChannel(channel, links, injector);
  } catch (error) {
    detach();
    throw error;
  }
}

async function listen(
  inner: Transport,
  injector: FaultInjector,
  options: ListenOptions,
): Promise<WireServer> {
  const links = new FaultyLinks(injector, (fault) => hitsProcess(fault, injector.identity));
  const dispatch = new FaultyDispatch(options.dispatch, links, injector);
  const server = await inner.listen({ ...options, dispatch: dispatch.dispatch, observer: links });
  const detachments = [injector.attach(links), injector.attach(dispatch)];
  const detach = () => {
    for (const each of detachments.splice(0)) each();
    dispatch.faultsChanged([]);
  };
  return new FaultyServer(server, detach);
}

/** The server as it is, and one that has closed is forgotten. */
class FaultyServer implements WireServer {
  readonly #inner: WireServer;
  readonly #detach: () => void;

  constructor(inner: WireServer, detach: () => void) {
    this.#inner = inner;
    this.#detach = detach;
  }

  get address(): string {
    return this.#inner.address;
  }

  get inFlight(): number {
    return this.#inner.inFlight;
  }

  get connections(): number {
    return this.#inner.connections;
  }

  async drain(graceMs: number): Promise<void> {
    await this.#inner.drain(graceMs);
    this.#detach();
  }

  async close(): Promise<void> {
    await this.#inner.close();
    this.#detach();
  }
}
