/** What may be changed about a stream that exists: the rules and words of nats-server 2.9. */
import { apiError } from '../api/api-error.ts';
import { requireOneReplica } from './read-config.ts';
import { DURABILITY_KEY, type StreamConfig } from './stream-config.ts';

/**
 * The configuration that results from an update.
 *
 * @param wanted complete and valid by itself.
 * @throws ApiError `streamInvalidConfig`, `streamReplicasNotSupported`
 */
export function changeConfig(current: StreamConfig, wanted: StreamConfig): StreamConfig {
  const forbid = (what: string): never => {
    throw apiError('streamInvalidConfig', `stream configuration update can not ${what}`);
  };
  if (wanted.max_consumers !== current.max_consumers) forbid('change MaxConsumers');
  if (wanted.storage !== current.storage) forbid('change storage type');
  if (wanted.retention !== current.retention) forbid('change retention policy');
  if (current.sealed && !wanted.sealed) forbid('unseal a sealed stream');
  if (current.deny_delete && !wanted.deny_delete) forbid('cancel deny message deletes');
  if (current.deny_purge && !wanted.deny_purge) forbid('cancel deny purge');
  if (!same(wanted.republish, current.republish)) forbid('change RePublish');
  if (wanted.metadata?.[DURABILITY_KEY] !== current.metadata?.[DURABILITY_KEY]) {
    forbid(`change ${DURABILITY_KEY}`);
  }
  requireOneReplica(wanted);
  if (!wanted.sealed) return wanted;
  return {
    ...wanted,
    max_age: 0,
    discard: 'new',
    deny_delete: true,
    deny_purge: true,
    allow_rollup_hdrs: false,
  };
}

/** Whether two configurations say the same, whatever the order of their members. */
export function sameConfig(one: StreamConfig, other: StreamConfig): boolean {
  return same(one, other);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(canonical(one)) === JSON.stringify(canonical(other));
}

function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, canonical(member)]);
}
