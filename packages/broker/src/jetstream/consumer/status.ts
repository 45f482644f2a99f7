/** Messages without content that tell a client the state of its request or consumer, as header blocks. */
import type { PullRequest } from './pull-request.ts';

function block(status: string, headers: readonly (readonly [string, string | number])[] = []): string {
  return `NATS/1.0 ${status}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

function unfinished(status: string, request: PullRequest): string {
  return block(status, [
    ['Nats-Pending-Messages', request.remaining],
    ['Nats-Pending-Bytes', request.bytes],
  ]);
}

export const Status = {
  badRequest: (reason: string): string => block(`400 Bad Request - ${reason}`),
  noMessages: block('404 No Messages'),
  requestsPending: block('408 Requests Pending'),
  requestTimeout: (request: PullRequest): string => unfinished('408 Request Timeout', request),
  sizeExceedsMaxBytes: (request: PullRequest): string =>
    unfinished('409 Message Size Exceeds MaxBytes', request),
  exceededMaxWaiting: block('409 Exceeded MaxWaiting'),
  exceededBatch: (most: number): string => block(`409 Exceeded MaxRequestBatch of ${most}`),
  exceededExpires: (most: string): string => block(`409 Exceeded MaxRequestExpires of ${most}`),
  exceededBytes: (most: number): string => block(`409 Exceeded MaxRequestMaxBytes of ${most}`),
  pushBased: block('409 Consumer is push based'),
  consumerDeleted: block('409 Consumer Deleted'),
  flowControl: block('100 FlowControl Request'),
  /** @param stalled the flow control subject that has not been answered; empty when there is none. */
  heartbeat: (consumerSequence: number, streamSequence: number, stalled: string): string =>
    block('100 Idle Heartbeat', [
      ['Nats-Last-Consumer', consumerSequence],
      ['Nats-Last-Stream', streamSequence],
      ...(stalled === '' ? [] : [['Nats-Consumer-Stalled', stalled] as const]),
    ]),
} as const;
