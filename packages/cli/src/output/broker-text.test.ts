import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BrokerStatus } from '../streams/broker-status.ts';
import { backupText, restoreText } from './backup-text.ts';
import { brokerStatusText } from './broker-status-text.ts';

const EMBEDDED: BrokerStatus = {
  url: 'nats://127.0.0.1:8422',
  kind: 'embedded',
  version: '2.9.10',
  name: 'flotilla',
  stored: { streams: 3, consumers: 1, messages: 2_049, bytes: 673_946 },
  told: {
    version: '0.1.0',
    uptimeMs: 90_000,
    connections: 12,
    subscriptions: 80,
    inMessages: 5_000,
    inBytes: 2_000_000,
    outMessages: 9_000,
    outBytes: 3_000_000,
    slowConsumers: 0,
    streams: 1,
    consumers: 1,
    messages: 1,
    bytes: 1,
    store: {
      directory: '/data/broker',
      durability: 'disk',
      diskBytes: 1_200_000,
      freeBytes: 5e9,
      commits: 400,
      commitP50Ms: 0.21,
      commitP99Ms: 3.4,
      damagedRecords: 0,
    },
  },
};

describe('the status of a broker', () => {
  it('is told by the embedded one itself', () => {
    const text = brokerStatusText(EMBEDDED);
    assert.match(text, /^embedded broker 0\.1\.0 {2}nats:\/\/127\.0\.0\.1:8422\nup +1\.5m\n/);
    assert.match(text, /clients +12 connections, 80 subscriptions\n/);
    assert.match(text, /stores +2049 messages \(658 KiB\) in 3 streams, 1 consumer\n/);
    assert.match(text, /durability +disk: an acknowledgement means: flushed to disk\n/);
    assert.match(text, /commits +400, p50 0\.21 ms, p99 3\.40 ms\ndamage +none found\n$/);
  });

  it('does not say of nats-server what it does not know', () => {
    const { stored, url } = EMBEDDED;
    const text = brokerStatusText({
      url,
      kind: 'nats-server',
      version: '2.9.10',
      name: 'N1',
      stored,
      told: null,
    });
    assert.match(text, /^nats-server 2\.9\.10 {2}nats:/);
    assert.match(text, /stores +2049 messages/);
    assert.doesNotMatch(text, /^(commits|damage|clients) /m);
    assert.match(
      text,
      /not Flotilla's own broker.*\nUnless it is configured otherwise it acknowledges before/s,
    );
  });

  it('says when nothing is stored, or not for long', () => {
    assert.match(
      brokerStatusText({ ...EMBEDDED, stored: null }),
      /stores +nothing: it runs without JetStream/,
    );
    const told = EMBEDDED.told && { ...EMBEDDED.told, store: null };
    assert.match(brokerStatusText({ ...EMBEDDED, told }), /data +no data directory: streams in memory only/);
  });
});

describe('a backup in a few words', () => {
  const report = {
    directory: '/backups/monday',
    streams: [{ name: 'a', messages: 7, lastSequence: 9 }],
    messages: 7,
    bytes: 20_480,
    problems: [],
  };

  it('says how much went where, and what is kept', () => {
    assert.equal(
      backupText(report),
      'backed up 7 messages in 1 stream (20.0 KiB) to /backups/monday; every message was read back\n',
    );
    assert.equal(
      restoreText({ ...report, directory: '/data/broker', previous: '/data/broker/before' }),
      'restored 7 messages in 1 stream (20.0 KiB) to /data/broker\nwhat was there before is in /data/broker/before\n',
    );
    assert.doesNotMatch(restoreText({ ...report, previous: undefined }), /before/);
  });
});
