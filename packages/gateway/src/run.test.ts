import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Ending {
  readonly code: number | null;
  readonly messages: readonly { readonly type: string; readonly code?: string; readonly message?: string }[];
}

async function runWith(environment: NodeJS.ProcessEnv): Promise<Ending> {
  const child = fork(fileURLToPath(new URL('./run.ts', import.meta.url)), {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const messages: Ending['messages'][number][] = [];
  child.on('message', (message) => messages.push(message as Ending['messages'][number]));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, messages };
}

describe('the gateway as a process', () => {
  it('tells its supervisor what is wrong with its configuration, and ends', async () => {
    const { code, messages } = await runWith({ FLOTILLA_GATEWAY_CONFIG: '{"limits":{"bodyBytes":-1}}' });
    assert.equal(code, 1);
    assert.equal(messages[0]?.type, 'fatal');
    assert.equal(messages[0]?.code, 'invalid_argument');
    assert.match(messages[0]?.message ?? '', /gateway\.limits\.bodyBytes/);
  });

  it('does not start without the fleet secret', async () => {
    const { code, messages } = await runWith({});
    assert.equal(code, 1);
    assert.equal(messages[0]?.code, 'unauthenticated');
  });
});
