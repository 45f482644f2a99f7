/** What the cases say again and again. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';

/** That the server refuses, with this `err_code`. */
export async function refused(promise: Promise<unknown>, code: number): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof JetStreamApiError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** Polls until the condition holds: for what the servers do in their own time. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > giveUpAt) assert.fail(`waited in vain: ${what}`);
    await delay(10);
  }
}

/** Publishes one message after the other, each under its subject with its number as payload, from 1 on. */
export async function publishAll(js: JetStreamClient, subjects: readonly string[]): Promise<void> {
  for (const [index, subject] of subjects.entries()) await js.publish(subject, `${index + 1}`);
}

/** `subject` that many times. */
export function times(count: number, subject: string): string[] {
  return Array.from({ length: count }, () => subject);
}

export async function collect<T>(items: AsyncIterable<T>, count = Number.POSITIVE_INFINITY): Promise<T[]> {
  const collected: T[] = [];
  if (count === 0) return collected;
  for await (const item of items) {
    collected.push(item);
    if (collected.length === count) break;
  }
  return collected;
}

/** Nanoseconds, the unit of durations in the protocol. */
export function ms(milliseconds: number): number {
  return milliseconds * 1_000_000;
}
