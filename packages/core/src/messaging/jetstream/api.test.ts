import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NatsConnection } from '@nats-io/nats-core';
import { JetStreamApi } from './api.ts';

/** A connection to a server that gives these answers, one after the other; an error is what the client library throws. */
function answering(cluster: string | undefined, answers: readonly (object | Error)[]) {
  const asked: string[] = [];
  const connection = {
    info: { version: '2.9.10', ...(cluster === undefined ? {} : { cluster }) },
    isClosed: () => false,
    async request(subject: string) {
      const answer = answers[asked.push(subject) - 1];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('nothing more is said');
      return { data: Buffer.from(JSON.stringify(answer)) };
    },
  };
  return { api: new JetStreamApi(connection as unknown as NatsConnection), asked };
}

const silence = Object.assign(new Error('timeout'), { name: 'TimeoutError' });
const noLeader = {
  error: { code: 503, err_code: 10008, description: 'JetStream system temporarily unavailable' },
};
const missing = { error: { code: 404, err_code: 10059, description: 'stream not found' } };
const peerOffline = {
  error: { code: 400, err_code: 10005, description: 'no suitable peers for placement, peer offline' },
};

describe('the JetStream API', () => {
  it('asks a cluster again while it has no leader that answers', async () => {
    const { api, asked } = answering('c', [silence, noLeader, peerOffline, { config: { name: 'S' } }]);
    assert.equal((await api.streamInfo('S')).config.name, 'S');
    assert.deepEqual(new Set(asked), new Set(['$JS.API.STREAM.INFO.S']));
    assert.equal(asked.length, 4);
  });

  it('takes the other errors of a cluster for its answer', async () => {
    const { api, asked } = answering('c', [missing]);
    await assert.rejects(api.streamInfo('S'), { code: 'not_found', data: { jetstream: 10059 } });
    assert.equal(asked.length, 1);
  });

  it('knows a consumer of a cluster only once it has a leader', async () => {
    const { api } = answering('c', [
      { name: 'c' },
      { name: 'c', cluster: {} },
      { name: 'c', cluster: { leader: 'one' } },
    ]);
    assert.equal((await api.consumerInfo('S', 'c')).cluster?.leader, 'one');
  });

  it('asks a server of its own once', async () => {
    const { api, asked } = answering(undefined, [silence]);
    await assert.rejects(api.streamInfo('S'), { code: 'unavailable' });
    assert.equal(asked.length, 1);
    const { api: alone } = answering(undefined, [{ name: 'c' }]);
    assert.equal((await alone.consumerInfo('S', 'c')).name, 'c');
  });

  it('asks once for what cannot be repeated', async () => {
    const { api, asked } = answering('c', [silence]);
    await assert.rejects(api.deleteMessage('S', 1), { code: 'unavailable' });
    assert.equal(asked.length, 1);
  });

  it('reads lists of names page by page', async () => {
    const { api } = answering(undefined, [
      { total: 3, offset: 0, consumers: ['a', 'b'] },
      { total: 3, offset: 2, consumers: ['c'] },
    ]);
    assert.deepEqual(await api.consumerNames('S'), ['a', 'b', 'c']);
    const { api: empty } = answering(undefined, [{ total: 0, offset: 0, streams: null }]);
    assert.deepEqual(await empty.streamNames('>'), []);
  });
});
