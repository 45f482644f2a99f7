/**
 * What the JetStream API answers when it refuses: HTTP-like code, `err_code` and description of nats-server 2.9.10,
 * letter for letter, because clients decide by them. `{}` stands for the detail of the case at hand.
 */
const TABLE = {
  accountResourcesExceeded: [400, 10002, 'resource limits exceeded for account'],
  badRequest: [400, 10003, 'bad request'],
  clusterRequired: [503, 10010, 'JetStream clustering support required'],
  consumerBadDurableName: [400, 10103, "durable name can not contain '.', '*', '>'"],
  consumerConfigRequired: [400, 10078, 'consumer config required'],
  consumerCreate: [500, 10012, '{}'],
  consumerCreateDurableAndNameMismatch: [
    400,
    10132,
    'Consumer Durable and Name have to be equal if both are provided',
  ],
  consumerCreateFilterSubjectMismatch: [
    400,
    10131,
    'Consumer create request did not match filtered subject from create subject',
  ],
  consumerDeliverCycle: [400, 10081, 'consumer deliver subject forms a cycle'],
  consumerDeliverToWildcards: [400, 10079, 'consumer deliver subject has wildcards'],
  consumerDescriptionTooLong: [400, 10107, 'consumer description is too long, maximum allowed is {}'],
  consumerDirectRequiresEphemeral: [400, 10091, 'consumer direct requires an ephemeral consumer'],
  consumerDirectRequiresPush: [400, 10090, 'consumer direct requires a push based consumer'],
  consumerDurableNameNotInSubject: [
    400,
    10016,
    'consumer expected to be durable but no durable name set in subject',
  ],
  consumerDurableNameNotMatchSubject: [
    400,
    10017,
    'consumer name in subject does not match durable name in request',
  ],
  consumerDurableNameNotSet: [400, 10018, 'consumer expected to be durable but a durable name was not set'],
  consumerEphemeralWithDurableInSubject: [
    400,
    10019,
    'consumer expected to be ephemeral but detected a durable name set in subject',
  ],
  consumerEphemeralWithDurableName: [
    400,
    10020,
    'consumer expected to be ephemeral but a durable name was set in request',
  ],
  consumerExistingActive: [400, 10105, 'consumer already exists and is still active'],
  consumerFilterNotSubset: [
    400,
    10093,
    'consumer filter subject is not a valid subset of the interest subjects',
  ],
  consumerFlowControlNeedsHeartbeats: [400, 10108, 'consumer with flow control also needs heartbeats'],
  consumerFlowControlRequiresPush: [400, 10089, 'consumer flow control requires a push based consumer'],
  consumerHeartbeatRequiresPush: [400, 10088, 'consumer idle heartbeat requires a push based consumer'],
  consumerInvalidDeliverSubject: [400, 10112, 'invalid push consumer deliver subject'],
  consumerInvalidPolicy: [400, 10094, '{}'],
  consumerInvalidSampling: [400, 10095, 'failed to parse consumer sampling configuration: {}'],
  consumerMaxDeliverBackoff: [400, 10116, 'max deliver is required to be > length of backoff values'],
  consumerMaxPendingAckExcess: [400, 10121, 'consumer max ack pending exceeds system limit of {}'],
  consumerMaxPendingAckPolicyRequired: [400, 10082, 'consumer requires ack policy for max ack pending'],
  consumerMaxRequestBatchExceeded: [400, 10125, 'consumer max request batch exceeds server limit of {}'],
  consumerMaxRequestBatchNegative: [400, 10114, 'consumer max request batch needs to be > 0'],
  consumerMaxRequestExpiresTooSmall: [400, 10115, 'consumer max request expires needs to be >= 1ms'],
  consumerMaxWaitingNegative: [400, 10087, 'consumer max waiting needs to be positive'],
  consumerNameContainsPathSeparators: [400, 10127, 'Consumer name can not contain path separators'],
  consumerNameExists: [400, 10013, 'consumer name already in use'],
  consumerNameTooLong: [400, 10102, 'consumer name is too long, maximum allowed is {}'],
  consumerNotFound: [404, 10014, 'consumer not found'],
  consumerPullNotDurable: [400, 10085, 'consumer in pull mode requires a durable name'],
  consumerPullRequiresAck: [400, 10084, 'consumer in pull mode requires ack policy'],
  consumerPullWithRateLimit: [400, 10086, 'consumer in pull mode can not have rate limit set'],
  consumerPushMaxWaiting: [400, 10080, 'consumer in push mode can not set max waiting'],
  consumerReplacementWithDifferentName: [400, 10106, 'consumer replacement durable config not the same'],
  consumerReplicasExceedsStream: [400, 10126, 'consumer config replica count exceeds parent stream'],
  consumerReplicasShouldMatchStream: [
    400,
    10134,
    "consumer config replicas must match interest retention stream's replicas",
  ],
  consumerSmallHeartbeat: [400, 10083, 'consumer idle heartbeat needs to be >= 100ms'],
  consumerStoreFailed: [500, 10104, 'error creating store for consumer: {}'],
  consumerWorkQueueMultipleUnfiltered: [
    400,
    10099,
    'multiple non-filtered consumers not allowed on workqueue stream',
  ],
  consumerWorkQueueNotDeliverAll: [400, 10101, 'consumer must be deliver all on workqueue stream'],
  consumerWorkQueueNotUnique: [400, 10100, 'filtered consumer not unique on workqueue stream'],
  consumerWorkQueueRequiresExplicitAck: [400, 10098, 'workqueue stream requires explicit ack'],
  insufficientResources: [503, 10023, 'insufficient resources'],
  invalidJson: [400, 10025, 'invalid JSON'],
  maximumConsumersLimit: [400, 10026, 'maximum consumers limit reached'],
  maximumStreamsLimit: [400, 10027, 'maximum number of streams reached'],
  memoryResourcesExceeded: [500, 10028, 'insufficient memory resources available'],
  mirrorWithSubjects: [400, 10034, 'stream mirrors can not contain subjects'],
  noMessageFound: [404, 10037, 'no message found'],
  notEmptyRequest: [400, 10038, 'expected an empty request payload'],
  replicasCountNegative: [400, 10133, 'replicas count cannot be negative'],
  sequenceNotFound: [400, 10043, 'sequence {} not found'],
  snapshotDeliverSubjectInvalid: [400, 10015, 'deliver subject not valid'],
  storageResourcesExceeded: [500, 10047, 'insufficient storage resources available'],
  streamCreate: [500, 10049, '{}'],
  streamDelete: [500, 10050, '{}'],
  streamGeneral: [500, 10051, '{}'],
  streamHeaderExceedsMaximum: [400, 10097, 'header size exceeds maximum allowed of 64k'],
  streamInfoMaxSubjects: [500, 10117, 'subject details would exceed maximum allowed'],
  streamInvalid: [500, 10096, 'stream not valid'],
  streamInvalidConfig: [500, 10052, '{}'],
  streamLimits: [500, 10053, '{}'],
  streamMessageDeleteFailed: [500, 10057, '{}'],
  streamMessageExceedsMaximum: [400, 10054, 'message size exceeds maximum allowed'],
  streamMirrorNotUpdatable: [400, 10055, 'stream mirror configuration can not be updated'],
  streamMismatch: [400, 10056, 'stream name in subject does not match request'],
  streamNameContainsPathSeparators: [400, 10128, 'Stream name can not contain path separators'],
  streamNameExists: [400, 10058, 'stream name already in use with a different configuration'],
  streamNotFound: [404, 10059, 'stream not found'],
  streamNotMatch: [400, 10060, 'expected stream does not match'],
  streamPurgeFailed: [500, 10110, '{}'],
  streamReplicasNotSupported: [500, 10074, 'replicas > 1 not supported in non-clustered mode'],
  streamRestore: [500, 10062, 'restore failed: {}'],
  streamRollupFailed: [500, 10111, '{}'],
  streamSealed: [400, 10109, 'invalid operation on sealed stream'],
  streamSequenceNotMatch: [503, 10063, 'expected stream sequence does not match'],
  streamSnapshot: [500, 10064, 'snapshot failed: {}'],
  streamStoreFailed: [503, 10077, '{}'],
  streamSubjectOverlap: [400, 10065, 'subjects overlap with an existing stream'],
  streamTemplateCreate: [500, 10066, '{}'],
  streamUpdate: [500, 10069, '{}'],
  streamWrongLastMessageId: [400, 10070, 'wrong last msg ID: {}'],
  streamWrongLastSequence: [400, 10071, 'wrong last sequence: {}'],
  templateNotFound: [404, 10068, 'template not found'],
} as const satisfies Record<string, readonly [code: number, errorCode: number, description: string]>;

export type ApiErrorName = keyof typeof TABLE;

/** The `error` member of an API response. */
export interface ApiErrorBody {
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}

/** Thrown by an API handler to have `body` answered. */
export class ApiError extends Error {
  readonly kind: ApiErrorName;
  readonly body: ApiErrorBody;

  constructor(kind: ApiErrorName, body: ApiErrorBody) {
    super(body.description);
    this.name = 'ApiError';
    this.kind = kind;
    this.body = body;
  }
}

/** @param detail what takes the place of `{}` in the description. */
export function apiErrorBody(kind: ApiErrorName, detail: string | number = ''): ApiErrorBody {
  const [code, errorCode, description] = TABLE[kind];
  return { code, err_code: errorCode, description: description.replace('{}', () => String(detail)) };
}

/** @param detail what takes the place of `{}` in the description. */
export function apiError(kind: ApiErrorName, detail: string | number = ''): ApiError {
  return new ApiError(kind, apiErrorBody(kind, detail));
}
