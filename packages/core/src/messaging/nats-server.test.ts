import { describe } from 'node:test';
import { logCases } from './testing/log-cases.ts';
import { messagingCases } from './testing/messaging-cases.ts';
import { startNatsServer, withoutNatsServer } from './testing/nats-server.ts';

describe('messages on nats-server', { skip: withoutNatsServer }, () => messagingCases(startNatsServer));

describe('logs on nats-server', { skip: withoutNatsServer }, () => logCases(startNatsServer));
