import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { type Broker, startBroker } from '@flotilla/broker';
import { restoreStore } from '@flotilla/broker/backup';
import { createLogger } from '../telemetry/log.ts';
import { waitFor } from '../testing/wait-for.ts';
import { Log, upTo } from './testing/mailbox.ts';
import { type Member, MessageScene, subscribe } from './testing/message-scene.ts';
import { rows, rowsOf } from './testing/message-stage.ts';

it('a group whose checkpoint is ahead of a restored stream says so, and goes on with what is new', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-restored-'));
  const [data, backup] = [join(folder, 'data'), join(folder, 'backup')];
  let port = 0;
  const start = async (): Promise<Broker> => {
    const started = await startBroker({ port, credentials: [], noAuth: true, data });
    port = started.port;
    return started;
  };
  let broker = await start();
  const lines: string[] = [];
  const log = createLogger({ service: 'test', instance: 'test', write: (line) => void lines.push(line) });
  const scene = new MessageScene({ url: `nats://127.0.0.1:${port}` }, log);
  t.after(async () => {
    await scene.close();
    await broker.close();
    rmSync(folder, { recursive: true });
  });

  const member: Member = await scene.join('copy-1', {
    schema: rows,
    subscriptions: [
      subscribe(Log.entry, { group: 'copy', transaction: true }, ({ n }) => {
        member.database.prepare('INSERT INTO rows VALUES (?)').run(n);
      }),
    ],
  });
  const { messages } = await scene.join('log-1');
  for (const n of upTo(10)) await messages.publish(Log.entry, { n });
  await broker.backup(backup);
  for (const n of upTo(10)) await messages.publish(Log.entry, { n: 10 + n });
  await waitFor(() => rowsOf(member).length === 20);

  await broker.close();
  await restoreStore(backup, data, new Date());
  broker = await start();
  const said = await waitFor(() => lines.find((line) => line.includes('a stream was set back')));
  const { group, checkpoint, last } = JSON.parse(said);
  assert.deepEqual([group, checkpoint, last], ['copy', 20, 10]);
  await messages.publish(Log.entry, { n: 21 });
  await waitFor(() => rowsOf(member).length === 21);
  assert.deepEqual(rowsOf(member), upTo(21));
});
