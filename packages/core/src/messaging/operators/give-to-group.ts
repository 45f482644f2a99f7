/**
 * Gives a message to one group: publishes it to the redrive stream, from which the members of the group take it beside what
 * they read otherwise. Others do not see it.
 */
import type { NatsConnection } from '@nats-io/nats-core';
import { asHeaders, headerBlock, headerLines } from '../headers.ts';
import { type ApiErrorBody, apiError, requestError } from '../jetstream/api-error.ts';

export interface GivenMessage {
  readonly subject: string;
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly payload: Uint8Array;
}

const deadlineMs = 5_000;

/**
 * Resolves when the stream has it.
 *
 * @returns false when the stream had it already, by its message id.
 * @throws FlotillaError `unavailable` when no stream takes it, the stream's own error otherwise.
 */
export async function giveToGroup(
  connection: NatsConnection,
  { subject, headers, payload }: GivenMessage,
): Promise<boolean> {
  const what = `the message for ${subject}`;
  let answer: { readonly duplicate?: boolean; readonly error?: ApiErrorBody };
  try {
    const options = { timeout: deadlineMs, headers: asHeaders(headerBlock(headerLines(headers))) };
    const message = await connection.request(subject, payload, options);
    answer = JSON.parse(Buffer.from(message.data).toString('utf8')) as typeof answer;
  } catch (cause) {
    throw requestError(what, cause);
  }
  if (answer.error) throw apiError(what, answer.error);
  return answer.duplicate !== true;
}
