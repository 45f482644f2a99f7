/** gRPC by its implementation in JavaScript, with protobuf instead of JSON and a deadline. */
import { join } from 'node:path';
import {
  Client,
  credentials,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Connected, Contender, Ping } from './contender.ts';

function loadService(): ServiceDefinition {
  const loaded = loadPackageDefinition(loadSync(join(import.meta.dirname, 'ping.proto')));
  return (loaded.Bench as ServiceClientConstructor).service;
}

type Unary = (call: { request: Ping }, callback: (error: Error | null, answer?: Ping) => void) => void;

export const grpc: Contender = {
  name: 'grpc-js',
  features: 'protobuf, deadline',
  async serve() {
    const server = new Server();
    const handle: Unary = ({ request }, callback) => callback(null, { ...request, n: request.n + 1 });
    server.addService(loadService(), { Call: handle });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return {
      address: `127.0.0.1:${port}`,
      async close() {
        server.forceShutdown();
      },
    };
  },
  async connect(address): Promise<Connected> {
    const method = loadService().Call!;
    const client = new Client(address, credentials.createInsecure());
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve()));
    });
    return {
      call: (input) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(
            method.path,
            method.requestSerialize,
            method.responseDeserialize,
            input,
            { deadline: Date.now() + 10_000 },
            (error, answer) => (error ? reject(error) : resolve(answer as Ping)),
          );
        }),
      async close() {
        client.close();
      },
    };
  },
};
