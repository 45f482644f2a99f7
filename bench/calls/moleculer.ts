/** Moleculer with its TCP transporter, the fastest of its own, and its parameter validation. */
import { type ServiceBroker as Broker, ServiceBroker } from 'moleculer';
import { freePort } from '../free-port.ts';
import type { Connected, Contender, Ping } from './contender.ts';

function createBroker(nodeID: string, options: Record<string, unknown>): Broker {
  return new ServiceBroker({
    nodeID,
    logger: false,
    // Without gossip over UDP the two nodes are told of each other.
    transporter: { type: 'TCP', options: { udpDiscovery: false, ...options } },
    validator: true,
    requestTimeout: 10_000,
  });
}

export const moleculer: Contender = {
  name: 'Moleculer (TCP)',
  features: 'validation of input, timeout',
  async serve() {
    const [serverPort, clientPort] = [await freePort(), await freePort()];
    const urls = [`127.0.0.1:${serverPort}/server`, `127.0.0.1:${clientPort}/driver`];
    const broker = createBroker('server', { port: serverPort, urls });
    broker.createService({
      name: 'bench',
      actions: {
        ping: {
          params: { account: 'string', amount: 'string', n: 'number' },
          handler: ({ params }: { params: Ping }) => ({ ...params, n: params.n + 1 }),
        },
      },
    });
    await broker.start();
    return { address: JSON.stringify({ clientPort, urls }), close: () => broker.stop() };
  },
  async connect(address): Promise<Connected> {
    const { clientPort, urls } = JSON.parse(address) as { clientPort: number; urls: string[] };
    const broker = createBroker('driver', { port: clientPort, urls });
    await broker.start();
    await broker.waitForServices('bench', 20_000);
    return { call: (input) => broker.call<Ping, Ping>('bench.ping', input), close: () => broker.stop() };
  },
};
