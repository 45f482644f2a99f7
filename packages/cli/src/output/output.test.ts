import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../failure.ts';
import { painted, paintFor, plain } from './colour.ts';
import { contractText } from './contract-text.ts';
import { schemaText } from './schema-text.ts';
import { table } from './table.ts';
import { reportFailure, type Terminal } from './terminal.ts';

describe('colours', () => {
  it('are for terminals, unless the environment says otherwise', () => {
    const cases: [isTTY: boolean, env: Record<string, string>, colour: boolean][] = [
      [true, {}, true],
      [false, {}, false],
      [true, { NO_COLOR: '1' }, false],
      [true, { NO_COLOR: '' }, true],
      [true, { TERM: 'dumb' }, false],
      [false, { FORCE_COLOR: '1' }, true],
      [true, { FORCE_COLOR: '0' }, false],
      [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ];
    for (const [isTTY, env, colour] of cases) {
      assert.equal(paintFor({ isTTY }, env), colour ? painted : plain, JSON.stringify([isTTY, env]));
    }
  });
});

describe('a table', () => {
  it('is as wide as its content, coloured or not', () => {
    const rows = [
      { name: 'a', count: 1 },
      { name: 'longer', count: 100 },
    ];
    const text = table(
      [
        { title: 'NAME', cell: (row) => row.name },
        { title: 'COUNT', cell: (row) => String(row.count), align: 'right' },
      ],
      rows,
    );
    assert.equal(text, 'NAME    COUNT\na           1\nlonger    100\n');
  });
});

describe('a schema for people', () => {
  it('reads like a type', () => {
    const schema = {
      type: 'object',
      properties: {
        symbol: { type: 'string' },
        depth: { type: 'integer', minimum: 1 },
        side: { enum: ['buy', 'sell'] },
        levels: {
          type: 'array',
          items: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'string' }] },
        },
        extra: { type: 'object', additionalProperties: { type: 'number' } },
        either: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
        linked: { $ref: '#/$defs/Link' },
      },
      required: ['symbol'],
      $defs: { Link: { type: 'object', properties: { next: { const: 7 } } } },
    };
    assert.equal(
      schemaText(schema),
      '{ symbol: string, depth?: integer, side?: "buy" | "sell", levels?: [string, string][], ' +
        'extra?: { [key]: number }, either?: (string | null)[], linked?: { next?: 7 } }',
    );
  });

  it('ends although a schema contains itself', () => {
    const schema = {
      $ref: '#/$defs/Tree',
      $defs: { Tree: { type: 'array', items: { $ref: '#/$defs/Tree' } } },
    };
    assert.match(schemaText(schema), /^…?(\[\])*/);
  });
});

describe('a contract for people', () => {
  it('shows route, access, input, output and errors of an operation', () => {
    const text = contractText({
      service: 'ledger',
      hash: 'abc',
      operations: {
        hold: {
          summary: 'Reserve money',
          input: { type: 'object', properties: { amount: { type: 'string' } }, required: ['amount'] },
          output: { type: 'string' },
          stream: false,
          errors: { insufficient_funds: { status: 409, data: { type: 'object' } } },
          idempotent: true,
          priority: 'high',
          key: 'amount',
          access: { kind: 'scopes', scopes: ['trade'] },
          http: {
            method: 'POST',
            path: '/v1/holds',
            status: 201,
            replayStatus: 200,
            query: [],
            headers: {},
            body: { kind: 'rest' },
          },
        },
      },
      events: { posted: { payload: { type: 'string' }, key: 'account' } },
    });
    for (const part of [
      'operation ledger.hold  needs trade, idempotent, high priority, by amount',
      'http     POST /v1/holds → 201',
      'input    { amount: string }',
      'output   string',
      'error    insufficient_funds (409)  {}',
      'event ledger.posted  in order by account',
    ]) {
      assert.ok(text.includes(part), `${part}\nin\n${text}`);
    }
  });
});

describe('a failure', () => {
  function report(thrown: unknown, json: boolean): { status: number; text: string } {
    let text = '';
    const terminal: Terminal = {
      out: () => assert.fail('nothing of it is data'),
      talk: (part) => {
        text += part;
      },
      paintOut: plain,
      paintTalk: plain,
      onReaderGone() {},
    };
    return { status: reportFailure(terminal, thrown, json), text };
  }

  it('names its cause and its repair', () => {
    const failure = new Failure('port_taken', 'port 1 is taken', { repair: 'set another' });
    assert.deepEqual(report(failure, false), {
      status: 5,
      text: 'error: port 1 is taken\nrepair: set another\n',
    });
  });

  it('is one object with --json', () => {
    const failure = new Failure('port_taken', 'port 1 is taken', {
      repair: 'set another',
      data: { port: 1 },
    });
    const { text } = report(failure, true);
    assert.deepEqual(JSON.parse(text), {
      error: { code: 'port_taken', message: 'port 1 is taken', repair: 'set another', data: { port: 1 } },
    });
  });

  it('that nobody foresaw is called a defect, with its stack', () => {
    const { status, text } = report(new TypeError('x is undefined'), false);
    assert.equal(status, 1);
    assert.match(text, /a defect of flotilla: TypeError: x is undefined\n\s+at /);
  });
});
