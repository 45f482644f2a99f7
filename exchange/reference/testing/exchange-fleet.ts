/** A fleet in one process, for tests of services that hear of each other: with a broker, which it starts and stops. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, startBroker } from '@flotilla/broker';
import { TestFleet, type TestFleetOptions } from 'flotilla/testing';

export class ExchangeFleet extends TestFleet {
  readonly #broker: Broker;
  readonly #data: string;

  static async open(options: TestFleetOptions = {}): Promise<ExchangeFleet> {
    const data = mkdtempSync(join(tmpdir(), 'exchange-broker-'));
    const broker = await startBroker({ port: 0, credentials: [], noAuth: true, data, durability: 'process' });
    return new ExchangeFleet(broker, data, options);
  }

  private constructor(broker: Broker, data: string, options: TestFleetOptions) {
    super({ natsUrl: broker.url, ...options });
    this.#broker = broker;
    this.#data = data;
  }

  override async stop(): Promise<void> {
    await super.stop();
    await this.#broker.close({ deadlineMs: 0 });
    rmSync(this.#data, { recursive: true, force: true });
  }
}
