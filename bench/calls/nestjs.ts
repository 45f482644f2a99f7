/**
 * NestJS microservices over their TCP transport, as a Nest application makes them: a controller with a message pattern, and
 * a client proxy. Decorators are applied by hand, since Node runs only syntax that can be erased.
 */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { freePort } from '../free-port.ts';
import type { Connected, Contender, Ping } from './contender.ts';

class PingController {
  ping(input: Ping): Ping {
    return { ...input, n: input.n + 1 };
  }
}

class PingModule {}

function decorate(): void {
  const method = Object.getOwnPropertyDescriptor(PingController.prototype, 'ping')!;
  MessagePattern('ping')(PingController.prototype, 'ping', method);
  Controller()(PingController);
  Module({ controllers: [PingController] })(PingModule);
}

export const nestjs: Contender = {
  name: 'NestJS (TCP)',
  features: 'none: no validation, no timeout',
  async serve() {
    decorate();
    const port = await freePort();
    const application = await NestFactory.createMicroservice(PingModule, {
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
      logger: false,
    });
    await application.listen();
    return { address: String(port), close: () => application.close() };
  },
  async connect(address): Promise<Connected> {
    const options = { host: '127.0.0.1', port: Number(address) };
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    await client.connect();
    return {
      call: (input) => firstValueFrom(client.send<Ping, Ping>('ping', input)),
      async close() {
        await client.close();
      },
    };
  },
};
