/**
 * What a consumer may be, given its stream. Order, codes and texts of the refusals are those of nats-server 2.9, so
 * that a client that handles one handles the other.
 */
import { isLiteral, isSubscribable } from '../../protocol/subject.ts';
import { toWireText } from '../../protocol/wire-text.ts';
import { type ApiError, apiError } from '../api/api-error.ts';
import type { StreamConfig } from '../stream/stream-config.ts';
import { covers, overlap } from '../stream/subject-filter.ts';
import { type ConsumerConfig, isPush } from './consumer-config.ts';

const LONGEST_DESCRIPTION = 4_096;
const LONGEST_NAME = 255;
const SHORTEST_HEARTBEAT_NS = 100_000_000;
const SHORTEST_EXPIRES_NS = 1_000_000;

/** @param config with its defaults filled in. */
export function checkConsumerConfig(config: ConsumerConfig, stream: StreamConfig): ApiError | undefined {
  return (
    checkReplicas(config, stream) ??
    (config.backoff.length > 0 && config.max_deliver <= config.backoff.length
      ? apiError('consumerMaxDeliverBackoff')
      : undefined) ??
    (config.description.length > LONGEST_DESCRIPTION
      ? apiError('consumerDescriptionTooLong', LONGEST_DESCRIPTION)
      : undefined) ??
    (isPush(config) ? checkPush(config, stream) : checkPull(config, stream)) ??
    checkDirect(config) ??
    checkFilter(config, stream) ??
    checkStart(config) ??
    checkSampling(config) ??
    (config.flow_control && config.idle_heartbeat === 0
      ? apiError('consumerFlowControlNeedsHeartbeats')
      : undefined) ??
    (config.durable_name !== '' && config.name !== '' && config.name !== config.durable_name
      ? apiError('consumerCreateDurableAndNameMismatch')
      : undefined)
  );
}

/**
 * What only a consumer that is new has to pass.
 *
 * @param others filters of the stream's consumers; empty for one without.
 */
export function checkNewConsumer(
  config: ConsumerConfig,
  stream: StreamConfig,
  others: readonly string[],
): ApiError | undefined {
  if (stream.max_consumers > 0 && others.length >= stream.max_consumers) {
    return apiError('maximumConsumersLimit');
  }
  if (stream.retention !== 'workqueue' || config.direct) return undefined;
  if (config.ack_policy !== 'explicit') return apiError('consumerWorkQueueRequiresExplicitAck');
  if (others.length > 0) {
    if (config.filter_subject === '') return apiError('consumerWorkQueueMultipleUnfiltered');
    const taken = others.some((other) => other === '' || overlap(other, config.filter_subject));
    if (taken) return apiError('consumerWorkQueueNotUnique');
  }
  return config.deliver_policy === 'all' ? undefined : apiError('consumerWorkQueueNotDeliverAll');
}

export function checkConsumerName(name: string): ApiError | undefined {
  if (name.length > LONGEST_NAME) return apiError('consumerNameTooLong', LONGEST_NAME);
  return /[\s.*>]/.test(name) ? apiError('consumerBadDurableName') : undefined;
}

function checkReplicas(config: ConsumerConfig, stream: StreamConfig): ApiError | undefined {
  if (config.num_replicas > stream.num_replicas) return apiError('consumerReplicasExceedsStream');
  if (config.num_replicas < 0) return apiError('replicasCountNegative');
  const matches = config.num_replicas === 0 || config.num_replicas === stream.num_replicas;
  return stream.retention === 'limits' || matches ? undefined : apiError('consumerReplicasShouldMatchStream');
}

function checkPush(config: ConsumerConfig, stream: StreamConfig): ApiError | undefined {
  const subject = config.deliver_subject;
  if (subject.split('.').some((token) => token === '*' || token === '>')) {
    return apiError('consumerDeliverToWildcards');
  }
  if (!isLiteral(subject) || !isSubscribable(subject)) return apiError('consumerInvalidDeliverSubject');
  if (stream.subjects.some((taken) => covers(toWireText(taken), subject)))
    return apiError('consumerDeliverCycle');
  if (config.max_waiting !== 0) return apiError('consumerPushMaxWaiting');
  if (config.max_ack_pending > 0 && config.ack_policy === 'none') {
    return apiError('consumerMaxPendingAckPolicyRequired');
  }
  const tooOften = config.idle_heartbeat > 0 && config.idle_heartbeat < SHORTEST_HEARTBEAT_NS;
  return tooOften ? apiError('consumerSmallHeartbeat') : undefined;
}

function checkPull(config: ConsumerConfig, stream: StreamConfig): ApiError | undefined {
  if (config.ack_policy === 'none' && stream.retention === 'workqueue')
    return apiError('consumerPullRequiresAck');
  if (config.rate_limit_bps > 0) return apiError('consumerPullWithRateLimit');
  if (config.max_waiting < 0) return apiError('consumerMaxWaitingNegative');
  if (config.idle_heartbeat > 0) return apiError('consumerHeartbeatRequiresPush');
  if (config.flow_control) return apiError('consumerFlowControlRequiresPush');
  if (config.max_batch < 0) return apiError('consumerMaxRequestBatchNegative');
  const tooShort = config.max_expires !== 0 && config.max_expires < SHORTEST_EXPIRES_NS;
  return tooShort ? apiError('consumerMaxRequestExpiresTooSmall') : undefined;
}

function checkDirect(config: ConsumerConfig): ApiError | undefined {
  if (!config.direct) return undefined;
  if (!isPush(config)) return apiError('consumerDirectRequiresPush');
  return config.durable_name === '' ? undefined : apiError('consumerDirectRequiresEphemeral');
}

/** The filter must be part of what the stream takes, or, when it has wildcards, take in a subject of the stream. */
function checkFilter(config: ConsumerConfig, stream: StreamConfig): ApiError | undefined {
  const filter = config.filter_subject;
  if (filter === '') return undefined;
  const fits =
    isSubscribable(filter) &&
    stream.subjects
      .map(toWireText)
      .some((subject) => covers(subject, filter) || (!isLiteral(filter) && covers(filter, subject)));
  return fits ? undefined : apiError('consumerFilterNotSubset');
}

function checkStart(config: ConsumerConfig): ApiError | undefined {
  const policy = config.deliver_policy.replaceAll('_', ' ');
  const refuse = (detail: string): ApiError =>
    apiError(
      'consumerInvalidPolicy',
      `consumer delivery policy is deliver ${policy}, but optional ${detail}`,
    );
  const hasSequence = config.opt_start_seq > 0;
  const hasTime = config.opt_start_time !== '';

  if (config.deliver_policy === 'by_start_sequence') {
    if (!hasSequence) return refuse('start sequence is not set');
    return hasTime ? refuse('start time is also set') : undefined;
  }
  if (config.deliver_policy === 'by_start_time') {
    if (!hasTime) return refuse('start time is not set');
    // Twice "start", as the server says it.
    return hasSequence ? refuse('start start sequence is also set') : undefined;
  }
  if (hasSequence) return refuse('start sequence is also set');
  if (hasTime) return refuse('start time is also set');
  const unfiltered = config.deliver_policy === 'last_per_subject' && config.filter_subject === '';
  return unfiltered ? refuse('filter subject is not set') : undefined;
}

function checkSampling({ sample_freq }: ConsumerConfig): ApiError | undefined {
  const digits = sample_freq.endsWith('%') ? sample_freq.slice(0, -1) : sample_freq;
  if (sample_freq === '' || /^\+?\d+$/.test(digits)) return undefined;
  const isNumber = /^-\d+$/.test(digits);
  const reason = isNumber ? '<nil>' : `strconv.Atoi: parsing ${JSON.stringify(digits)}: invalid syntax`;
  return apiError('consumerInvalidSampling', reason);
}
