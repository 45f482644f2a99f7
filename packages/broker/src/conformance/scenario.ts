/**
 * A recorded scenario: what several clients send, step by step. Playing it against a server gives a transcript that
 * can be compared with the one of another server.
 *
 * After each step every client is brought up to date with PING/PONG, so the transcript does not depend on timing.
 * Where the protocol leaves the order or the choice open, the transcript does not show it: messages are listed per
 * subscription, those of a queue group as a sorted list for the group as a whole, and "no responders" without the
 * subscription that it came for, because any matching one of the client may get it.
 */
import type { Engine } from './engine.ts';
import { RawClient } from './raw-client.ts';

export interface Step {
  readonly client: string;
  /** Bytes, as text of one byte per character. */
  readonly send: string;
  /**
   * What to wait for: `sync` (default) that the server has dealt with it, `close` that it ends the connection,
   * `nothing` when the bytes end within an operation.
   */
  readonly wait?: 'sync' | 'close' | 'nothing';
}

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

interface ClientTranscript {
  /** +OK, -ERR and status 503, in order. */
  readonly answers: string[];
  /** Per subscription id, what its plain subscription received. */
  readonly messages: Record<string, string[]>;
  closed: boolean;
}

export interface Transcript {
  readonly clients: Record<string, ClientTranscript>;
  readonly groups: Record<string, string[]>;
}

export async function play(engine: Engine, steps: readonly Step[]): Promise<Transcript> {
  const clients = new Map<string, RawClient>();
  const queues = new Map<string, string>();
  const midway = new Set<string>();
  try {
    for (const name of new Set(steps.map((step) => step.client))) {
      clients.set(name, await RawClient.connect(engine.port));
    }
    for (const { client: name, send, wait = 'sync' } of steps) {
      const client = clients.get(name)!;
      for (const [, queue, sid] of send.matchAll(/^SUB \S+ (\S+) (\S+)\r$/gm))
        queues.set(`${name} ${sid}`, queue!);
      client.send(send);
      if (wait === 'close') await client.untilClosed();
      if (wait === 'sync') midway.delete(name);
      else midway.add(name);
      // The one that sent goes first: its PONG says that the server has passed its messages on.
      if (wait === 'sync') await client.sync();
      for (const [other, each] of clients) if (other !== name && !midway.has(other)) await each.sync();
    }
    return transcribe(clients, queues);
  } finally {
    for (const client of clients.values()) client.close();
  }
}

function transcribe(
  clients: ReadonlyMap<string, RawClient>,
  queues: ReadonlyMap<string, string>,
): Transcript {
  const transcript: Transcript = { clients: {}, groups: {} };
  for (const [name, client] of clients) {
    const own: ClientTranscript = { answers: [], messages: {}, closed: client.closed };
    transcript.clients[name] = own;
    for (const event of client.events) {
      if (event.kind === 'ok') own.answers.push('+OK');
      else if (event.kind === 'error') own.answers.push(`-ERR ${event.text}`);
      else if (event.kind === 'message') {
        const { subject, sid, reply, headers, body } = event;
        const queue = queues.get(`${name} ${sid}`);
        const shown = JSON.stringify([subject, reply, headers, body]);
        if (headers.startsWith('NATS/1.0 503')) {
          own.answers.push(`503 ${shown}`);
        } else if (queue === undefined) {
          own.messages[sid] ??= [];
          own.messages[sid].push(shown);
        } else {
          transcript.groups[queue] ??= [];
          transcript.groups[queue].push(shown);
        }
      }
    }
  }
  for (const messages of Object.values(transcript.groups)) messages.sort();
  return transcript;
}
