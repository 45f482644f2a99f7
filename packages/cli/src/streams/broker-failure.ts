/** What a broker, or the way to it, answers with when something goes wrong, as a failure of the command. */

import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { codeOf, Failure, type FailureCode, messageOf } from '../failure.ts';

/** Of what the platform raises: its code, and what the command fails with. */
const PLATFORM: Readonly<Record<string, FailureCode>> = {
  not_found: 'not_found',
  invalid_argument: 'usage',
  unavailable: 'not_running',
  unauthenticated: 'not_running',
};

/** Errors of the NATS client that mean: no answer came. By name: not all of its classes are public. */
const SILENT = [
  'TimeoutError',
  'RequestError',
  'NoResponders',
  'ConnectionError',
  'ClosedConnectionError',
  'DrainingConnectionError',
];

/** What is no answer of a broker stays what it is. */
export function brokerFailure(thrown: unknown, url: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof Failure) return thrown;
  const cause = { cause: thrown };
  const message = messageOf(thrown);
  if (thrown.name === 'JetStreamNotEnabled') return noJetStream(url, thrown);
  if (thrown instanceof JetStreamApiError) {
    const missing: readonly number[] = [
      JetStreamApiCodes.StreamNotFound,
      JetStreamApiCodes.ConsumerNotFound,
      JetStreamApiCodes.NoMessageFound,
    ];
    const code = missing.includes(thrown.code) ? 'not_found' : 'broker_failed';
    return new Failure(code, `the broker answered: ${message}`, { ...cause, data: thrown.apiError() });
  }
  if (thrown.name === 'FlotillaError') {
    const code = PLATFORM[codeOf(thrown) ?? ''] ?? 'broker_failed';
    const repair = code === 'not_running' ? { repair: 'see flotilla ps and flotilla logs broker' } : {};
    return new Failure(code, message, { ...cause, ...repair });
  }
  if (SILENT.includes(thrown.name)) {
    return new Failure('broker_failed', `the broker at ${url} did not answer: ${message}`, {
      ...cause,
      repair: 'see flotilla ps and flotilla logs broker, and try again',
    });
  }
  return thrown;
}

export function noJetStream(url: string, cause?: unknown): Failure {
  return new Failure('broker_failed', `the NATS server at ${url} stores nothing: it runs without JetStream`, {
    cause,
    repair: 'start it with JetStream (nats-server -js -sd <directory>)',
  });
}
