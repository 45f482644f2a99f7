import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startBroker } from '@flotilla/broker';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Failure } from '../failure.ts';
import { readStream } from './read-stream.ts';

describe('a stream with a damaged record', () => {
  it('is read up to there, and not waited for behind it', async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'flotilla-damaged-'));
    t.after(() => rmSync(data, { recursive: true }));
    const start = () => startBroker({ port: 0, credentials: [], noAuth: true, data });
    const writing = await start();
    const writer = await connect({ servers: writing.url });
    const writerJsm = await jetstreamManager(writer);
    await writerJsm.streams.add({ name: 'notes', subjects: ['notes'] });
    for (const word of ['first', 'second', 'third'])
      await writerJsm.jetstream().publish('notes', `the ${word} word`);
    await writer.close();
    await writing.close();

    const file = join(data, 'disk.sqlite');
    const bytes = readFileSync(file);
    const at = bytes.lastIndexOf('second');
    bytes[at] = bytes[at]! ^ 1;
    writeFileSync(file, bytes);

    const reading = await start();
    const reader = await connect({ servers: reading.url });
    const jsm = await jetstreamManager(reader);
    const info = await jsm.streams.info('notes');
    const seen: (string | undefined)[] = [];
    const never = new AbortController().signal;
    await assert.rejects(
      async () => {
        const start = { sequence: 1 };
        for await (const { text } of readStream(
          jsm,
          { info, filter: undefined, start, follow: true },
          never,
        )) {
          seen.push(text);
        }
      },
      (error) => {
        assert.ok(error instanceof Failure, String(error));
        assert.equal(error.code, 'store_damaged');
        assert.match(
          error.message,
          /the next message of notes cannot be read: .*message 2 of stream notes is damaged/,
        );
        return true;
      },
    );
    assert.deepEqual(seen, ['the first word']);
    await reader.close();
    await reading.close();
  });
});
