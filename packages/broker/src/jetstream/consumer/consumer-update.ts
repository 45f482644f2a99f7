/** What may be changed of a consumer that exists. Order and texts of the refusals are those of nats-server 2.9. */
import { type ApiError, apiError } from '../api/api-error.ts';
import { type ConsumerConfig, isPush } from './consumer-config.ts';
import { readTimeUs } from './start-time.ts';

const FIXED: readonly (readonly [keyof ConsumerConfig, string])[] = [
  ['deliver_policy', 'deliver policy'],
  ['opt_start_seq', 'start sequence'],
  ['opt_start_time', 'start time'],
  ['ack_policy', 'ack policy'],
  ['replay_policy', 'replay policy'],
  ['idle_heartbeat', 'heart beats'],
  ['flow_control', 'flow control'],
  ['max_waiting', 'max waiting'],
];

/**
 * @param old the configuration in force.
 * @param bound whether someone is subscribed to the old deliver subject.
 */
export function checkConsumerUpdate(
  old: ConsumerConfig,
  config: ConsumerConfig,
  bound: boolean,
): ApiError | undefined {
  for (const [field, name] of FIXED) {
    const same =
      field === 'opt_start_time'
        ? readTimeUs(old[field]) === readTimeUs(config[field])
        : old[field] === config[field];
    if (!same) return apiError('consumerCreate', `${name} can not be updated`);
  }
  if (old.deliver_subject === config.deliver_subject) return undefined;
  if (!isPush(old)) return apiError('consumerCreate', 'can not update pull consumer to push based');
  if (!isPush(config)) return apiError('consumerCreate', 'can not update push consumer to pull based');
  return bound ? apiError('consumerNameExists') : undefined;
}
