/** What people call a stream: its name, its service, or one event of a service. */

import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { Topology } from 'flotilla/operators';
import { Failure } from '../failure.ts';

export interface StreamTarget {
  readonly info: StreamInfo;
  /** Subjects that are meant; undefined for all. */
  readonly filter: string | undefined;
}

/**
 * `shop_orders` is a stream, `orders` one too if there is one of that name, else that of the service, and `orders.placed` one event
 * in it.
 *
 * @param subject of messages that are meant, with wildcards.
 * @throws Failure `not_found`, with what there is; `usage` for an event and a subject.
 */
export async function findStream(
  jsm: JetStreamManager,
  topology: Topology,
  name: string,
  subject?: string,
): Promise<StreamTarget> {
  const [service = '', event, ...rest] = name.split('.');
  if (event !== undefined && rest.length === 0 && event !== '') {
    if (subject !== undefined) throw new Failure('usage', `${name} is one event: --subject is for streams`);
    const info = await infoOf(jsm, topology.eventStream(service));
    if (info !== undefined) return { info, filter: topology.eventFilter(service, '*', event) };
  } else if (event === undefined) {
    const info = (await infoOf(jsm, name)) ?? (await infoOf(jsm, topology.eventStream(name)));
    if (info !== undefined) return { info, filter: subject };
  }
  const what = event === undefined ? `no stream "${name}"` : `no stream of events of "${service}"`;
  const names = (await jsm.streams.names().next()).sort();
  throw new Failure('not_found', `there is ${what} on the broker`, {
    repair:
      names.length === 0
        ? 'nothing has been stored yet: a stream appears when its service starts, or publishes'
        : `use one of ${names.join(', ')}, or an event as service.event`,
  });
}

async function infoOf(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  // What cannot be a stream's name is not asked about: the client refuses it in words of its own.
  if (!/^[^\s.*>/\\]+$/.test(name)) return undefined;
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return undefined;
    throw error;
  }
}
