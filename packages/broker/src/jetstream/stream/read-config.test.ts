import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApiError } from '../api/api-error.ts';
import { changeConfig, sameConfig } from './change-config.ts';
import { parseObject, readConfig } from './read-config.ts';

type Members = Readonly<Record<string, unknown>>;

function read(members: Members = {}): ReturnType<typeof readConfig> {
  return readConfig({ name: 'S', subjects: ['s.>'], ...members }, 'S');
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ApiError) return `${error.body.err_code} ${error.body.description}`;
    throw error;
  }
  return 'accepted';
}

describe('a configuration', () => {
  test('is completed with the defaults of nats-server', () => {
    assert.deepEqual(readConfig({ name: 'S' }, 'S'), {
      name: 'S',
      subjects: ['S'],
      retention: 'limits',
      max_consumers: -1,
      max_msgs: -1,
      max_bytes: -1,
      max_age: 0,
      max_msgs_per_subject: -1,
      max_msg_size: -1,
      discard: 'old',
      storage: 'file',
      num_replicas: 1,
      duplicate_window: 120_000_000_000,
      allow_direct: false,
      mirror_direct: false,
      sealed: false,
      deny_delete: false,
      deny_purge: false,
      allow_rollup_hdrs: false,
    });
  });

  test('has a duplicate window no longer than its messages live', () => {
    assert.equal(read({ max_age: 1_000_000_000 }).duplicate_window, 1_000_000_000);
    assert.equal(read({ max_age: 200_000_000_000 }).duplicate_window, 120_000_000_000);
  });

  test('keeps metadata, which nats-server 2.9 does not know, and drops what nobody knows', () => {
    const config = read({ metadata: { owner: 'ann' }, unknown: 1 });
    assert.deepEqual(config.metadata, { owner: 'ann' });
    assert.equal('unknown' in config, false);
  });

  test('that cannot be is refused in the words of nats-server', () => {
    const cases: [Members, string][] = [
      [{ name: 'T' }, '10056 stream name in subject does not match request'],
      [{ subjects: ['a..b'] }, '10052 invalid subject'],
      [{ subjects: ['a b'] }, '10052 invalid subject'],
      [{ subjects: ['$JS.API.>'] }, '10052 subjects overlap with jetstream api'],
      [{ subjects: ['a', 'a'] }, '10052 duplicate subjects detected'],
      [{ subjects: ['a.*', 'a.b'] }, '10052 subject "a.*" overlaps with "a.b"'],
      [{ retention: 'never' }, '10025 invalid JSON'],
      [{ max_bytes: 'much' }, '10025 invalid JSON'],
      [{ max_age: 5 }, '10052 max age needs to be >= 100ms'],
      [{ duplicate_window: 5 }, '10052 duplicates window needs to be >= 100ms'],
      [{ duplicate_window: -1 }, '10052 duplicates window can not be negative'],
      [{ max_age: 1e9, duplicate_window: 2e9 }, '10052 duplicates window can not be larger then max age'],
      [{ num_replicas: 6 }, '10052 maximum replicas is 5'],
      [{ num_replicas: -1 }, '10133 replicas count cannot be negative'],
      [{ deny_purge: true, allow_rollup_hdrs: true }, '10052 roll-ups require the purge permission'],
      [
        { discard_new_per_subject: true },
        '10052 discard new per subject requires discard new policy to be set',
      ],
      [
        { discard: 'new', discard_new_per_subject: true },
        '10052 discard new per subject requires max msgs per subject > 0',
      ],
      [{ description: 'x'.repeat(4_097) }, '10052 stream description is too long, maximum allowed is 4096'],
      [{ mirror: { name: 'M' } }, '10052 stream mirrors are not supported by this server'],
      [{ sources: [{ name: 'M' }] }, '10052 stream sources are not supported by this server'],
    ];
    for (const [members, expected] of cases)
      assert.equal(
        refusal(() => read(members)),
        expected,
      );
    assert.equal(
      refusal(() => readConfig({ name: 'a/b' }, 'a/b')),
      '10128 Stream name can not contain path separators',
    );
    const long = 'x'.repeat(256);
    assert.match(
      refusal(() => readConfig({ name: long }, long)),
      /^10052 stream name is too long/,
    );
  });

  test('is a JSON object', () => {
    for (const text of ['', '{', '[]', '1', 'null', '"x"']) {
      assert.equal(
        refusal(() => parseObject(Buffer.from(text))),
        '10025 invalid JSON',
        text,
      );
    }
  });
});

describe('a change of a configuration', () => {
  test('is refused where it would break a promise', () => {
    const current = read({ deny_delete: true, deny_purge: true });
    const cases: [Members, string][] = [
      [{ max_consumers: 3 }, 'change MaxConsumers'],
      [{ storage: 'memory' }, 'change storage type'],
      [{ retention: 'interest' }, 'change retention policy'],
      [{ deny_delete: false }, 'cancel deny message deletes'],
      [{ deny_purge: false }, 'cancel deny purge'],
      [{ metadata: { 'flotilla.durability': 'process' } }, 'change flotilla.durability'],
      [{ republish: { src: '>', dest: 'copy.>' } }, 'change RePublish'],
    ];
    for (const [members, expected] of cases) {
      const wanted = read({ deny_delete: true, deny_purge: true, ...members });
      assert.equal(
        refusal(() => changeConfig(current, wanted)),
        `10052 stream configuration update can not ${expected}`,
      );
    }
    const sealed = changeConfig(read(), read({ sealed: true }));
    assert.equal(
      refusal(() => changeConfig(sealed, read({ deny_delete: true, deny_purge: true }))),
      '10052 stream configuration update can not unseal a sealed stream',
    );
    assert.match(
      refusal(() => changeConfig(read(), read({ num_replicas: 3 }))),
      /^10074/,
    );
  });

  test('that seals the stream closes everything', () => {
    const sealed = changeConfig(read({ max_age: 1e9 }), read({ sealed: true, max_age: 1e9 }));
    const { max_age, discard, deny_delete, deny_purge, allow_rollup_hdrs } = sealed;
    assert.deepEqual(
      [max_age, discard, deny_delete, deny_purge, allow_rollup_hdrs],
      [0, 'new', true, true, false],
    );
  });

  test('is none when members only stand in another order', () => {
    const one = read({ metadata: { a: '1', b: '2' } });
    const other = read({ metadata: { b: '2', a: '1' } });
    assert.equal(sameConfig(one, other), true);
    assert.equal(sameConfig(one, read({ metadata: { a: '1' } })), false);
  });
});
