/** What a fleet tells of itself to the tools of others: an OTLP collector, and a Prometheus server. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deriveToken } from 'flotilla';
import { findProgram, skipWithout, waitFor } from 'flotilla/testing';
import { FleetProcess, repository } from './fleet-process.ts';

interface ExportedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface TraceRequest {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly ExportedSpan[] }[];
  }[];
}

interface Sample {
  readonly instance: string;
  readonly text: string;
}

const spans: ExportedSpan[] = [];
const collector = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { resourceSpans = [] } = JSON.parse(Buffer.concat(chunks).toString()) as TraceRequest;
  for (const { resource, scopeSpans } of resourceSpans) {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    for (const span of scopeSpans.flatMap((scope) => scope.spans)) spans.push({ ...span, service });
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
});

let fleet: FleetProcess;

before(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  fleet = await FleetProcess.start({
    config: join(repository, 'test/shop/flotilla.config.ts'),
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  });
});

after(async () => {
  await fleet?.dispose();
  collector.closeAllConnections();
  collector.close();
});

test('one request is one trace across all processes that it touched', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const answer = await fetch(`${fleet.gateway}/browse`, { headers });
  assert.equal(answer.status, 200);
  const trace = await waitFor(
    () => {
      const found = spans.filter((span) => span.traceId === traceId);
      return new Set(found.map(({ service }) => service)).size === 3 ? found : undefined;
    },
    { what: 'spans of gateway, shop and stock' },
  );
  const server = (service: string) => trace.find((span) => span.service === service && span.kind === 2)!;
  assert.equal(server('gateway').parentSpanId, '00f067aa0ba902b7');
  for (const [below, above] of [
    ['shop', 'gateway'],
    ['stock', 'shop'],
  ] as const) {
    const client = trace.find(({ spanId }) => spanId === server(below).parentSpanId);
    assert.equal(client?.service, above);
    assert.equal(client?.parentSpanId, server(above).spanId);
  }
});

async function scrape(accept: string): Promise<Sample[]> {
  const member = await fleet.member();
  const admins = await waitFor(() => {
    const found = member.discovery.list().filter(({ admin }) => admin !== undefined);
    return new Set(found.map(({ service }) => service)).size >= 2 ? found : undefined;
  });
  const authorization = `Bearer ${deriveToken(fleet.secret, 'admin')}`;
  return Promise.all(
    admins.map(async ({ instance, admin }) => {
      const response = await fetch(`${admin}/metrics`, { headers: { authorization, accept } });
      return { instance, text: await response.text() };
    }),
  );
}

const promtool = findProgram('promtool');

test('promtool has nothing to say about the metrics of any process', {
  skip: skipWithout(promtool, "needs promtool: it is in Debian's package prometheus"),
}, async () => {
  for (const { instance, text } of await scrape('text/plain;version=0.0.4')) {
    const { status, stdout, stderr } = spawnSync(promtool!, ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    assert.deepEqual([stdout, stderr, status], ['', '', 0], instance);
  }
});

test('every metric of every process is in docs/telemetry.md', async () => {
  const page = readFileSync(join(repository, 'docs/telemetry.md'), 'utf8');
  for (const { instance, text } of await scrape('application/openmetrics-text;version=1.0.0')) {
    assert.match(text, /# EOF\n$/, instance);
    for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      const shown = type === 'counter' ? `${name}_total` : name;
      assert.ok(page.includes(`| \`${shown}\` | ${type} |`), `${shown}, a ${type} of ${instance}`);
    }
  }
});
