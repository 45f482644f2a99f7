import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type AdminServer, deriveToken, silentTelemetry, startAdminServer } from 'flotilla';
import type { InstanceView } from '../supervisor/supervisor.ts';
import { AdminPorts } from './admin-ports.ts';

const SECRET = 'a-secret-for-admin-ports';

function view(instance: string, admin: string | null, state: InstanceView['state'] = 'ready'): InstanceView {
  const service = instance.replace(/-\d+$/, '');
  return {
    service,
    instance,
    admin,
    state,
    pid: 1,
    restarts: 0,
    version: null,
    address: null,
    lastEnd: null,
  };
}

describe('the admin ports of a fleet', () => {
  let admin: AdminServer;
  let mute: Server;

  before(async () => {
    admin = await startAdminServer({
      host: '127.0.0.1',
      port: 0,
      token: deriveToken(SECRET, 'admin'),
      telemetry: silentTelemetry(),
      readiness: () => ({ ready: true }),
      dispatch: (call, reply) => reply.value(call.payload),
    });
    mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    mute.close();
    mute.closeAllConnections();
    await admin.close();
  });

  it('are asked all at once, and who does not answer is named with the reason', async () => {
    const { answers, silent } = await new AdminPorts({ secret: SECRET }).askAll(
      [
        view('broker-1', null),
        view('ledger-1', admin.url),
        view('ledger-2', `http://127.0.0.1:${(mute.address() as AddressInfo).port}`),
        view('risk-1', 'http://127.0.0.1:1'),
        view('orders-1', null, 'backoff'),
      ],
      '/resilience',
    );
    assert.deepEqual(answers, [{ service: 'ledger', instance: 'ledger-1', body: { services: [] } }]);
    assert.deepEqual(
      silent.map(({ instance, reason }) => [instance, reason]),
      [
        ['ledger-2', 'did not answer within 2 s'],
        ['risk-1', 'connect ECONNREFUSED 127.0.0.1:1'],
        ['orders-1', 'is backoff'],
      ],
    );
  });

  it('want the token of the fleet', async () => {
    const { silent } = await new AdminPorts({ secret: 'another-secret-of-that-kind' }).askAll(
      [view('ledger-1', admin.url)],
      '/resilience',
    );
    assert.match(silent[0]?.reason ?? '', /^unauthenticated: /);
  });

  it('take calls as well', async () => {
    const ports = new AdminPorts({ secret: SECRET });
    assert.deepEqual(await ports.ask(admin.url, '/rpc/ledger/echo', '{"a":1}'), { a: 1 });
  });
});
