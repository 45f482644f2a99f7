/** A sink for tests of the parser: writes operations down as plain values. */
import type { Message } from '../routing/message.ts';
import type { ProtocolSink } from './parser.ts';
import type { ProtocolError } from './protocol-error.ts';

export type Operation =
  | readonly ['connect', json: string]
  | readonly ['publish', subject: string, reply: string, headers: string, body: string]
  | readonly ['subscribe', subject: string, queue: string, sid: string]
  | readonly ['unsubscribe', sid: string, max: number]
  | readonly ['ping' | 'pong']
  | readonly ['violation', text: ProtocolError | undefined];

export class RecordedOperations implements ProtocolSink {
  readonly operations: Operation[] = [];

  connect(json: string): void {
    this.operations.push(['connect', json]);
  }

  publish(message: Message): void {
    const headers = message.headers()?.toString('latin1') ?? '';
    this.operations.push([
      'publish',
      message.subject,
      message.reply,
      headers,
      message.body().toString('latin1'),
    ]);
  }

  subscribe(subject: string, queue: string, sid: string): void {
    this.operations.push(['subscribe', subject, queue, sid]);
  }

  unsubscribe(sid: string, max: number): void {
    this.operations.push(['unsubscribe', sid, max]);
  }

  ping(): void {
    this.operations.push(['ping']);
  }

  pong(): void {
    this.operations.push(['pong']);
  }

  violation(text: ProtocolError | undefined): void {
    this.operations.push(['violation', text]);
  }
}
