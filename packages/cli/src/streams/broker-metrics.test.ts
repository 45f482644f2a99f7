import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Broker, startBroker } from '@flotilla/broker';
import { connect } from '@nats-io/transport-node';
import { brokerMetrics } from './broker-metrics.ts';
import { type MetricsServer, startMetricsServer } from './metrics-server.ts';

describe('the metrics of a broker that runs alone', () => {
  let folder: string;
  let broker: Broker;
  let server: MetricsServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-metrics-'));
    broker = await startBroker({ port: 0, credentials: [], noAuth: true, data: folder });
    server = await startMetricsServer({
      ...{ host: '127.0.0.1', port: 0, token: 'hush', metrics: brokerMetrics(broker) },
    });
    const nats = await connect({ servers: broker.url });
    const ask = (subject: string, body: object) =>
      nats.request(subject, JSON.stringify(body), { noMux: true, timeout: 10_000 });
    await ask('$JS.API.STREAM.CREATE.ORDERS', { name: 'ORDERS', subjects: ['orders'] });
    for (const name of ['mail', undefined]) {
      const config = { ...(name === undefined ? {} : { durable_name: name }), ack_policy: 'explicit' };
      const subject =
        name === undefined ? 'CONSUMER.CREATE.ORDERS' : `CONSUMER.DURABLE.CREATE.ORDERS.${name}`;
      await ask(`$JS.API.${subject}`, { stream_name: 'ORDERS', config });
    }
    for (let n = 0; n < 5; n++) await ask('orders', { n });
    await ask('$JS.API.CONSUMER.MSG.NEXT.ORDERS.mail', { batch: 1 });
    await nats.close();
  });

  after(async () => {
    await server?.close();
    await broker?.close();
    await rm(folder, { recursive: true });
  });

  const scrape = (headers: Record<string, string> = {}): Promise<Response> =>
    fetch(server.url, { headers: { authorization: 'Bearer hush', ...headers } });

  it('tell of streams, of durable consumers and of commits', async () => {
    const response = await scrape({ accept: 'application/openmetrics-text' });
    assert.match(response.headers.get('content-type') ?? '', /openmetrics-text/);
    const text = await response.text();
    const value = (series: string): number =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.slice(series.length + 1),
      );
    assert.equal(value('flotilla_broker_stream_messages{stream="ORDERS"}'), 5);
    assert.ok(value('flotilla_broker_stream_bytes{stream="ORDERS"}') > 5);
    assert.equal(value('flotilla_broker_stream_last_sequence{stream="ORDERS"}'), 5);
    assert.equal(value('flotilla_broker_stream_consumers{stream="ORDERS"}'), 2);
    assert.equal(value('flotilla_broker_consumer_pending{consumer="mail",stream="ORDERS"}'), 4);
    assert.equal(value('flotilla_broker_consumer_ack_pending{consumer="mail",stream="ORDERS"}'), 1);
    assert.equal(text.match(/^flotilla_broker_consumer_pending\{/gm)?.length, 1, 'of durable ones only');
    assert.ok(value('flotilla_broker_commits_total') >= 5);
    assert.ok(value('flotilla_broker_commit_seconds{share="0.99"}') > 0);
    assert.equal(value('flotilla_broker_damaged_records_total'), 0);
    assert.match(text, /# EOF\n$/);
  });

  it('want the token of the broker, and are all there is', async () => {
    assert.equal((await fetch(server.url)).status, 401);
    assert.equal((await scrape({ authorization: 'Bearer wrong' })).status, 401);
    const elsewhere = new URL('/', server.url);
    assert.equal((await fetch(elsewhere, { headers: { authorization: 'Bearer hush' } })).status, 404);
  });

  it('are those that the page lists', () => {
    const page = readFileSync(new URL('../../../../docs/telemetry.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/^\| `(flotilla_broker_\w+)` \| (\w+) \|/gm)].map(([, name, type]) => [
      name,
      type,
    ]);
    const existing = brokerMetrics(broker)
      .snapshot()
      .map(({ name, type }) => [type === 'counter' ? `${name}_total` : name, type]);
    assert.deepEqual(listed.sort(), existing.sort());
  });
});
