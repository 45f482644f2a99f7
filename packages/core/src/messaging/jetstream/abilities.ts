/**
 * What the server at hand can do, by the version in its INFO. Messaging stands on what nats-server 2.9 gives; here is what it
 * does otherwise where there is more or less, and what its operator should know.
 */
import type { ServerInfo } from '@nats-io/nats-core';

export interface Abilities {
  readonly version: string;
  /** Whether it is flotilla's own broker. */
  readonly isEmbedded: boolean;
  /** One of several servers, which need not name the others: streams have replicas, and a leader that changes. */
  readonly isClustered: boolean;
  /** Consumers may have several filter subjects (2.10). */
  readonly manyFilters: boolean;
}

/** What messaging needs at least. */
const oldest = [2, 9] as const;

export function abilitiesOf(info: ServerInfo): Abilities {
  const { version, server_name, cluster } = info;
  return {
    version,
    isEmbedded: server_name === 'flotilla',
    isClustered: cluster !== undefined,
    manyFilters: isAtLeast(version, [2, 10]),
  };
}

/** What the server at hand does not give, one line each, for the log. Empty where nothing is missing. */
export function shortcomings(abilities: Abilities): string[] {
  const { version, isEmbedded, isClustered, manyFilters } = abilities;
  const lines: string[] = [];
  if (!isAtLeast(version, oldest)) {
    lines.push(`nats-server ${version} is too old: messages need ${oldest.join('.')} or newer`);
  }
  if (isEmbedded) return lines;
  if (!isClustered) {
    lines.push(
      `nats-server ${version} acknowledges messages before they are on disk (its sync_interval is two minutes unless ` +
        'configured otherwise): a power cut can lose acknowledged ones. A cluster with replicas, or the embedded broker, does not',
    );
  }
  if (!manyFilters) {
    lines.push(
      `nats-server ${version} has one filter per consumer: a group that takes some of a service's events is sent all of them`,
    );
  }
  return lines;
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, hasMajor, hasMinor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (hasMajor === undefined) return false;
  return Number(hasMajor) > major || (Number(hasMajor) === major && Number(hasMinor) >= minor);
}
