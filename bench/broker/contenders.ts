import { startFlotillaBroker } from '../servers/flotilla-broker.ts';
import { natsServerMissing, startNatsServer } from '../servers/nats-server.ts';
import { redisServerMissing, startRedisServer } from '../servers/redis-server.ts';
import type { BrokerContender } from './contender.ts';
import { connectFlotilla } from './flotilla-client.ts';
import { connectNats } from './nats-client.ts';
import { connectRedis } from './redis-client.ts';

export const contenders: readonly BrokerContender[] = [
  {
    name: 'Flotilla broker',
    promise: 'on disk: flushed (fsync) before the acknowledgement',
    start: () => startFlotillaBroker(),
    connect: connectNats,
  },
  {
    name: 'Flotilla messages',
    promise:
      'the same broker, through `publish` and `subscribe` of services, with validation, spans, metrics and an order per key',
    start: () => startFlotillaBroker(),
    connect: connectFlotilla,
  },
  {
    name: 'nats-server',
    promise: 'written, not flushed: it flushes every two minutes',
    missing: natsServerMissing,
    start: () => startNatsServer({ jetStream: true }),
    connect: connectNats,
  },
  {
    name: 'Redis Streams',
    promise: 'on disk: appendfsync always',
    missing: redisServerMissing,
    start: startRedisServer,
    connect: connectRedis,
  },
];
