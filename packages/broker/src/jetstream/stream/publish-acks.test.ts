import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalClient } from '../../routing/local-client.ts';
import { Router } from '../../routing/router.ts';
import { apiErrorBody } from '../api/api-error.ts';
import { PublishAcks } from './publish-acks.ts';

function fail(error: unknown): never {
  throw error;
}

test('acknowledgements leave after the commit, in the order of the messages, in the words of nats-server', () => {
  const router = new Router();
  const waiting: (() => void)[] = [];
  const commits = { afterCommit: (work: () => void) => void waiting.push(work), beforeCommit: fail };
  const origin = { echo: false, deliver: () => true, expired() {} };
  const acks = new PublishAcks(router, origin, commits, 'S"1');
  const seen: string[] = [];
  const kept: Buffer[] = [];
  new LocalClient(router, fail).subscribe('inbox.*', (subject, _reply, _headers, body) => {
    seen.push(`${subject} ${body}`);
    kept.push(body);
  });
  acks.stored('inbox.a', 1);
  acks.duplicate('inbox.b', 0);
  acks.refused('inbox.c', apiErrorBody('streamWrongLastSequence', 5));
  acks.stored('inbox.d', Number.MAX_SAFE_INTEGER);
  acks.duplicate('inbox.e', 9_999_999_999);
  assert.deepEqual(seen, []);
  assert.equal(waiting.length, 1);
  waiting[0]!();
  const texts = [
    '{"stream":"S\\"1", "seq":1}',
    '{"stream":"S\\"1", "seq":0,"duplicate": true}',
    '{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},"stream":"S\\"1","seq":0}',
    '{"stream":"S\\"1", "seq":9007199254740991}',
    '{"stream":"S\\"1", "seq":9999999999,"duplicate": true}',
  ];
  assert.deepEqual(
    seen,
    texts.map((text, index) => `inbox.${'abcde'[index]} ${text}`),
  );
  acks.stored('inbox.f', 7);
  waiting[1]!();
  // What an in-process receiver keeps is not overwritten by the next batch.
  assert.deepEqual(kept.slice(0, 5).map(String), texts);
});
