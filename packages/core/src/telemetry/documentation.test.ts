/** `docs/telemetry.md` says what the tracer does: bounds are read from it, and its service is run. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createClient } from '../rpc/client.ts';
import type { Service } from '../service/service.ts';
import { TestFleet } from '../testing/test-fleet.ts';
import { keepDefaults } from './kept-traces.ts';
import { createLogger } from './log.ts';
import { DETAIL_LIMIT, TEXT_LIMIT } from './span.ts';
import { DEFAULT_CAPACITY } from './tracer.ts';

const page = readFileSync(new URL('../../../../docs/telemetry.md', import.meta.url), 'utf8');

/** Where a module of the page finds what it imports. */
const modules: Readonly<Record<string, string>> = {
  flotilla: new URL('../index.ts', import.meta.url).href,
  'flotilla/opentelemetry': new URL('./opentelemetry/index.ts', import.meta.url).href,
  zod: import.meta.resolve('zod'),
};

async function load(code: string): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-docs-'));
  try {
    const file = join(folder, 'service.ts');
    writeFileSync(
      file,
      code.replace(/from '([^']+)'/g, (_, name: string) => `from '${modules[name]}'`),
    );
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the page about telemetry', () => {
  it('tells the bounds that hold', () => {
    const section = page.split('\n## What a process remembers\n')[1]!;
    const rows = [...section.matchAll(/^\| ([^|]+) \| (\d+) \|$/gm)].map(([, what, bound]) => [
      what,
      Number(bound),
    ]);
    assert.deepEqual(Object.fromEntries(rows), {
      'spans in the ring': DEFAULT_CAPACITY,
      'attributes of a span; so many events and links again': DETAIL_LIMIT,
      'characters of a text': TEXT_LIMIT,
      'kept traces': keepDefaults.traces,
      'spans of all kept traces': keepDefaults.spans,
      'traces of one group kept in a second': keepDefaults.perSecond,
    });
  });

  it('has a service that runs, with the spans and the log line that it tells of', async () => {
    const [, code] = /```ts\n(\/\/ pricing\/service\.ts\n[\s\S]*?)```/.exec(page)!;
    const { default: pricing, Pricing } = (await load(code!)) as {
      default: Service;
      Pricing: Service['contract'];
    };
    const lines: Record<string, unknown>[] = [];
    const write = (line: string) => lines.push(JSON.parse(line));
    const fleet = new TestFleet({ log: createLogger({ service: 'pricing', instance: 'pricing-1', write }) });
    try {
      await fleet.start(pricing);
      const client = createClient(Pricing, fleet) as unknown as {
        reprice(input: { symbol: string }): Promise<unknown>;
      };
      assert.deepEqual(await client.reprice({ symbol: 'BTC-USD' }), { price: 12.5 });
      const [summary] = fleet.tracer.recent({ reason: 'recent' });
      const [server, model] = fleet.tracer.spansOf(summary!.traceId);
      assert.equal(server!.attributes['pricing.symbol'], 'BTC-USD');
      assert.equal(model!.parentSpanId, server!.spanId);
      assert.equal(model!.events[0]!.name, 'converged');
      const line = lines.find(({ msg }) => msg === 'repriced')!;
      const [, example] = /```json\n(.*)\n```/.exec(page)!;
      assert.deepEqual(Object.keys(line), Object.keys(JSON.parse(example!)));
      assert.deepEqual([line.trace_id, line.span_id], [summary!.traceId, server!.spanId]);
    } finally {
      await fleet.stop();
    }
  });
});
