/** Reads Server-Sent Events as a browser does (WHATWG HTML §9.2.6). */
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { until } from './http-client.ts';

export interface ReceivedEvent {
  /** The last event id at this event. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** The complete events in `text`. */
export function readEvents(text: string): ReceivedEvent[] {
  const events: ReceivedEvent[] = [];
  let id = '';
  let event = 'message';
  let data: string[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line === '') {
      if (data.length > 0) events.push({ id, event, data: data.join('\n') });
      event = 'message';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
  return events;
}

/** A client of one event stream. */
export class EventClient {
  text = '';
  ended = false;
  readonly response: IncomingMessage;
  readonly #request: ClientRequest;

  private constructor(outgoing: ClientRequest, response: IncomingMessage) {
    this.#request = outgoing;
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      this.text += chunk;
    });
    response.on('close', () => {
      this.ended = true;
    });
    response.on('error', () => {});
    outgoing.on('error', () => {});
  }

  static async open(port: number, path: string, headers: Record<string, string> = {}): Promise<EventClient> {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      headers,
      agent: new Agent({ keepAlive: false }),
    });
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return new EventClient(outgoing, response);
  }

  get events(): ReceivedEvent[] {
    return readEvents(this.text);
  }

  async count(events: number): Promise<ReceivedEvent[]> {
    await until(() => this.events.length >= events, `${events} events, got: ${this.text.slice(0, 500)}`);
    return this.events;
  }

  close(): void {
    this.#request.destroy();
  }
}
