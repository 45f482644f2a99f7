import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ServerInfo } from '@nats-io/nats-core';
import { abilitiesOf, shortcomings } from './abilities.ts';

const info = (given: Partial<ServerInfo>) => abilitiesOf({ version: '2.9.10', ...given } as ServerInfo);
const cluster = { cluster: 'c' };

describe('the abilities of a server', () => {
  it('are told by its version and its cluster', () => {
    assert.deepEqual(info({}), {
      version: '2.9.10',
      isEmbedded: false,
      isClustered: false,
      manyFilters: false,
    });
    for (const version of ['2.10.0', 'v2.12.3', '3.0.0-beta'])
      assert.equal(info({ version }).manyFilters, true);
    assert.equal(info(cluster).isClustered, true);
  });

  it('that are missing are told to whoever runs it', () => {
    assert.deepEqual(
      shortcomings(info({})).map((line) => /before they are on disk|one filter/.exec(line)?.[0]),
      ['before they are on disk', 'one filter'],
    );
    assert.deepEqual(shortcomings(info({ version: '2.11.0', ...cluster })), []);
    assert.match(shortcomings(info({ version: '2.8.4' }))[0] ?? '', /too old/);
  });

  it('are all there on the embedded broker', () => {
    assert.deepEqual(shortcomings(info({ server_name: 'flotilla' })), []);
  });
});
