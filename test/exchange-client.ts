/** A user of the public API, for whole-system tests. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface Order {
  readonly id: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly price: string | null;
  readonly quantity: string;
  readonly status: string;
  readonly filled: string;
  readonly remaining: string;
  readonly averagePrice: string | null;
}

export interface Balance {
  readonly asset: string;
  readonly available: string;
  readonly held: string;
}

export interface Book {
  readonly symbol: string;
  readonly sequence: number;
  readonly bids: readonly (readonly [string, string])[];
  readonly asks: readonly (readonly [string, string])[];
}

export interface Trade {
  readonly id: number;
  readonly sequence: number;
  readonly price: string;
  readonly quantity: string;
  readonly side: string;
  readonly time: string;
}

/** Sends a request and reads the JSON of its answer. */
export async function request<T>(
  gateway: string,
  method: string,
  path: string,
  options: { body?: unknown; token?: string; headers?: Record<string, string> } = {},
): Promise<Answer<T>> {
  const { body, token, headers = {} } = options;
  const response = await fetch(`${gateway}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : null) as T };
}

export class Customer {
  readonly gateway: string;
  readonly account: string;
  readonly token: string;

  static async open(gateway: string): Promise<Customer> {
    const { status, body } = await request<{ account: string; token: string }>(
      gateway,
      'POST',
      '/v1/demo/accounts',
    );
    assert.equal(status, 201);
    return new Customer(gateway, body.account, body.token);
  }

  /** The same customer at another gateway: a fleet that was started again. */
  at(gateway: string): Customer {
    return new Customer(gateway, this.account, this.token);
  }

  private constructor(gateway: string, account: string, token: string) {
    this.gateway = gateway;
    this.account = account;
    this.token = token;
  }

  place(order: Record<string, unknown>): Promise<Answer<Order>> {
    const body = { clientOrderId: randomUUID(), type: 'limit', ...order };
    return request(this.gateway, 'POST', '/v1/orders', { body, token: this.token });
  }

  order(id: string): Promise<Answer<Order>> {
    return request(this.gateway, 'GET', `/v1/orders/${id}`, { token: this.token });
  }

  cancel(id: string): Promise<Answer<Order>> {
    return request(this.gateway, 'DELETE', `/v1/orders/${id}`, { token: this.token });
  }

  async orders(query = ''): Promise<Order[]> {
    const { status, body } = await request<Order[]>(this.gateway, 'GET', `/v1/orders${query}`, {
      token: this.token,
    });
    assert.equal(status, 200);
    return body;
  }

  async balances(): Promise<Balance[]> {
    const { status, body } = await request<Balance[]>(this.gateway, 'GET', '/v1/balances', {
      token: this.token,
    });
    assert.equal(status, 200);
    return body;
  }
}

export async function book(gateway: string, symbol: string, depth = 10): Promise<Book> {
  const { status, body } = await request<Book>(gateway, 'GET', `/v1/markets/${symbol}/book?depth=${depth}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

export async function trades(gateway: string, symbol: string, limit = 50): Promise<Trade[]> {
  const { status, body } = await request<Trade[]>(
    gateway,
    'GET',
    `/v1/markets/${symbol}/trades?limit=${limit}`,
  );
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

export interface ServerSentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** Reads Server-Sent Events until `signal` aborts or the server ends the stream. */
export async function* serverSentEvents(
  url: string,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): AsyncGenerator<ServerSentEvent, void> {
  const response = await fetch(url, { signal, headers: { accept: 'text/event-stream', ...headers } });
  assert.equal(response.status, 200);
  const decoder = new TextDecoder();
  let buffer = '';
  try {
    for await (const chunk of response.body!) {
      buffer += decoder.decode(chunk, { stream: true });
      const blocks = buffer.split('\n\n');
      buffer = blocks.pop()!;
      for (const block of blocks) {
        const event = parseBlock(block);
        if (event) yield event;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function parseBlock(block: string): ServerSentEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
  }
  const data = fields.get('data');
  if (data === undefined) return undefined;
  return { event: fields.get('event') ?? 'message', id: fields.get('id'), data: JSON.parse(data) };
}
