/** How the broker is, for people. */

import { durationText } from '../duration.ts';
import type { BrokerStatus, ToldStatus } from '../streams/broker-status.ts';
import { type Paint, plain } from './colour.ts';
import { factLines } from './facts.ts';
import { bytes, milliseconds } from './quantity.ts';

/** From here on the disk is nearly full. */
const LITTLE_BYTES = 200_000_000;

export function brokerStatusText(status: BrokerStatus, paint: Paint = plain): string {
  const { url, kind, version, name, stored, told } = status;
  const own = kind === 'embedded';
  const what = own ? `embedded broker ${told?.version ?? ''}` : `nats-server ${version}`;
  return `${paint('bold', what)}  ${url}\n${factLines(
    [
      ...(told === null ? [['server', name] as const] : ownFacts(told)),
      ['stores', stored === null ? 'nothing: it runs without JetStream' : contents(stored)],
      ...(told === null ? [] : storeFacts(told.store, paint)),
    ],
    paint,
  )}${own ? '' : `\n${paint('dim', FOREIGN)}`}`;
}

/** What is not known of a server is not made up, and what it does otherwise than ours is said. */
const FOREIGN = `This is not Flotilla's own broker. It does not tell clients about connections, flushes and damage; its own tools do.
Unless it is configured otherwise it acknowledges before its data is on disk, and flushes every two minutes: a power
cut can lose acknowledged messages of a server without replicas.
`;

function contents({
  streams,
  consumers,
  messages,
  bytes: size,
}: NonNullable<BrokerStatus['stored']>): string {
  return `${count(messages, 'message')} (${bytes(size)}) in ${count(streams, 'stream')}, ${count(consumers, 'consumer')}`;
}

function ownFacts(told: ToldStatus): (readonly [name: string, fact: string])[] {
  const { uptimeMs, connections, subscriptions, inMessages, inBytes, outMessages, outBytes } = told;
  return [
    ['up', durationText(uptimeMs)],
    ['clients', `${count(connections, 'connection')}, ${count(subscriptions, 'subscription')}`],
    ['traffic', `${inMessages} messages in (${bytes(inBytes)}), ${outMessages} out (${bytes(outBytes)})`],
    ['cut off', count(told.slowConsumers, 'slow consumer')],
  ];
}

function storeFacts(store: ToldStatus['store'], paint: Paint): (readonly [name: string, fact: string])[] {
  if (store === null) return [['data', 'no data directory: streams in memory only, gone when it ends']];
  const { directory, durability, diskBytes, freeBytes, commits, commitP50Ms, commitP99Ms, damagedRecords } =
    store;
  const free = `${bytes(freeBytes)} free`;
  const acknowledged =
    durability === 'disk'
      ? 'an acknowledgement means: flushed to disk'
      : 'an acknowledged message survives a crash of the broker, not of the machine';
  return [
    ['data', `${directory}: ${bytes(diskBytes)}, ${freeBytes < LITTLE_BYTES ? paint('red', free) : free}`],
    ['durability', `${durability}: ${acknowledged}`],
    [
      'commits',
      commits === 0 ? '0' : `${commits}, p50 ${milliseconds(commitP50Ms)}, p99 ${milliseconds(commitP99Ms)}`,
    ],
    [
      'damage',
      damagedRecords === 0
        ? 'none found'
        : paint('red', `${count(damagedRecords, 'damaged record')}: see flotilla logs broker`),
    ],
  ];
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`;
}
