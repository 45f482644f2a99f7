/** Request and reply over nats-server with its official client for Node: a third process between the two. */
import { connect } from '@nats-io/transport-node';
import { processTree } from '../idle/process-tree.ts';
import { natsServerMissing, startNatsServer } from '../servers/nats-server.ts';
import type { Connected, Contender, Ping } from './contender.ts';

export const nats: Contender = {
  name: 'nats-server',
  features: 'timeout; the CPU of nats-server counts too',
  missing: natsServerMissing,
  async serve() {
    const server = await startNatsServer();
    const connection = await connect({ servers: server.url });
    connection.subscribe('ping', {
      callback: (_error, message) => {
        const input = message.json<Ping>();
        message.respond(JSON.stringify({ ...input, n: input.n + 1 }));
      },
    });
    await connection.flush();
    return {
      address: server.url,
      otherCpuUs() {
        const use = process.platform === 'linux' ? processTree(server.pid) : [];
        return use.reduce((sum, { cpuMs }) => sum + cpuMs * 1000, 0);
      },
      async close() {
        await connection.close();
        server.stop();
      },
    };
  },
  async connect(address): Promise<Connected> {
    const connection = await connect({ servers: address });
    const timeout = { timeout: 10_000 };
    return {
      async call(input) {
        const answer = await connection.request('ping', JSON.stringify(input), timeout);
        return answer.json<Ping>();
      },
      close: () => connection.close(),
    };
  },
};
