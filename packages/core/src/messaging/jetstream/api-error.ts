/** Errors of the JetStream API as platform errors. The server's own number for the error stays in `data.jetstream`. */
import { FlotillaError, platformError } from '../../errors/flotilla-error.ts';
import type { PlatformCode } from '../../errors/platform-codes.ts';

/** The `error` of an API answer (ADR-1 of NATS). */
export interface ApiErrorBody {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
}

/** Numbers of the server's error table (`server/errors.json`) by which this client decides. */
export const errorNumber = {
  consumerNotFound: 10014,
  noMessageFound: 10037,
  streamNotFound: 10059,
  streamNameInUse: 10058,
  subjectsOverlap: 10065,
  wrongLastSequence: 10071,
  messageTooLarge: 10054,
  /** The store could not take a message: because of the stream's limits, which the description says, or for now. */
  streamStoreFailed: 10077,
  replicasNotSupported: 10074,
  noSuitablePeers: 10005,
} as const;

export function apiError(what: string, { code, err_code, description }: ApiErrorBody): FlotillaError {
  return platformError(
    codeOf(code, err_code, description),
    `${what}: the broker answered "${description ?? code}"`,
    {
      data: { jetstream: err_code },
    },
  );
}

/** The server's number of an error that {@link apiError} made. */
export function numberOf(error: unknown): number | undefined {
  if (!(error instanceof FlotillaError)) return undefined;
  return (error.data as { readonly jetstream?: number } | undefined)?.jetstream;
}

function codeOf(status: number, number: number | undefined, description = ''): PlatformCode {
  switch (number) {
    case errorNumber.wrongLastSequence:
      return 'conflict';
    case errorNumber.messageTooLarge:
      return 'payload_too_large';
    case errorNumber.noSuitablePeers:
      // One that has stopped for the moment, and will be a replica again.
      return description.includes('peer offline') ? 'unavailable' : 'resource_exhausted';
    case errorNumber.streamStoreFailed:
      return description.startsWith('maximum ') ? 'resource_exhausted' : 'unavailable';
  }
  if (status === 404) return 'not_found';
  if (status === 503) return 'unavailable';
  return status >= 500 ? 'internal' : 'invalid_argument';
}

/** What the client library throws when a request finds nobody, or no answer in time, or no connection. */
export function requestError(what: string, cause: unknown): FlotillaError {
  if (cause instanceof FlotillaError) return cause;
  const { name, message } = cause as Error;
  if (isNoResponders(cause)) {
    return platformError(
      'unavailable',
      `${what}: the broker has no JetStream, or its cluster has no leader for it at the moment. ` +
        'Start it with storage: `flotilla broker run --data DIR`, `nats-server -js`',
      { cause },
    );
  }
  return platformError('unavailable', `${what}: no answer from the broker (${name}: ${message})`, { cause });
}

function isNoResponders(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  return cause.name === 'NoRespondersError' || isNoResponders(cause.cause);
}
