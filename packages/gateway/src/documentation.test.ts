/** `docs/gateway.md` says what the code does: tables and examples are read from it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe as group, it } from 'node:test';
import { contract, describe, operation, platformCodes } from 'flotilla';
import { z } from 'zod';
import { GatewayConfig, parseGatewayConfig, readEnvironment } from './config.ts';
import { problemSchemas } from './openapi/problem-responses.ts';
import { buildRouteTable } from './routes.ts';

const text = readFileSync(new URL('../../../docs/gateway.md', import.meta.url), 'utf8');

/** Rows of the table under a heading, without its head: cells without backticks. */
function table(heading: string): string[][] {
  const section = text.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!;
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

const blocks = (language: string) =>
  [...text.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code!);

group('the page about the gateway', () => {
  it('lists every limit with its default, and no other', () => {
    const documented = Object.fromEntries(table('Limits').map(([name, value]) => [name, Number(value)]));
    assert.deepEqual(documented, parseGatewayConfig({}).limits);
    assert.match(text, new RegExp(`\`deadlineMs\` \\(${parseGatewayConfig({}).deadlineMs}\\)`));
  });

  it('lists every variable of the environment', () => {
    const names = table('The process').map(([name]) => name);
    const wrong = { FLOTILLA_GATEWAY_PORT: 'x' };
    assert.throws(() => readEnvironment(wrong));
    const asked: string[] = [];
    readEnvironment(
      new Proxy<Record<string, string | undefined>>(
        {},
        {
          get: (_, name) => {
            asked.push(String(name));
            return undefined;
          },
        },
      ),
    );
    assert.deepEqual(
      [...names].sort(),
      [...new Set(asked)].filter((name) => name.startsWith('FLOTILLA_')).sort(),
    );
  });

  it('shows a configuration that is one, and a problem detail of the documented form', () => {
    const [problem, config] = blocks('json').map((block) => JSON.parse(block) as Record<string, unknown>);
    assert.ok(GatewayConfig.safeParse(config).success);
    const schema = problemSchemas.Problem as { required: string[]; properties: object };
    for (const name of schema.required) assert.ok(name in problem!, name);
    for (const name of Object.keys(problem!)) assert.ok(name in schema.properties, name);
    assert.equal(problem!.status, platformCodes.invalid_argument.httpStatus);
    assert.equal(problem!.title, platformCodes.invalid_argument.title);
  });

  it('shows a contract whose route is as it says', () => {
    const [code] = blocks('ts');
    const define = new Function(
      'contract',
      'operation',
      'z',
      code!.replace(/^import .*$/gm, '').replace('export const Orders =', 'return'),
    ) as (...parts: unknown[]) => Parameters<typeof describe>[0];
    const [route] = buildRouteTable([describe(define(contract, operation, z))]).routes;
    assert.equal(route!.id, 'orders.amend');
    assert.equal(route!.http.path, '/v1/orders/{id}');
    assert.deepEqual(route!.http.query, ['dryRun']);
    assert.equal(route!.http.body.kind, 'rest');
  });
});
