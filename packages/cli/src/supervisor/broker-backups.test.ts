import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ControlClient, connectControl } from '../control/client.ts';
import { FakeFleet, WELL_BEHAVED } from '../testing/fake-fleet.ts';

function controlOf({ data }: FakeFleet): ControlClient {
  return connectControl({ data, because: 'of a test' });
}

describe('a backup of a fleet’s broker', () => {
  it('is made by the broker, which says how it went', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ a: WELL_BEHAVED });
    await fleet.ready();
    const control = controlOf(fleet);
    await control.backup('/backups/monday');
    await assert.rejects(control.backup('/taken'), {
      code: 'backup_failed',
      message: '/taken exists',
      repair: 'choose another',
    });
  });

  it('fails with the broker, when that ends before', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ a: WELL_BEHAVED });
    await fleet.ready();
    const control = controlOf(fleet);
    const seen = fleet.events.length;
    await assert.rejects(control.backup('/dies'), {
      code: 'backup_failed',
      message: 'the broker ended while it was writing the backup',
    });
    await fleet.state('broker-1', 'ready', seen);
    await control.backup('/backups/tuesday');
  });

  it('is not for a NATS server of the user', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ a: WELL_BEHAVED });
    const { PATH, HOME } = process.env;
    await fleet.ready({ env: { PATH, HOME, NATS_URL: 'nats://127.0.0.1:1' } });
    await assert.rejects(controlOf(fleet).backup('/backups/monday'), {
      code: 'broker_failed',
      message: 'the fleet uses a NATS server of its own, which Flotilla does not back up',
    });
  });
});
