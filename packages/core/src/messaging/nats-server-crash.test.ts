import { describe } from 'node:test';
import { crashCases } from './testing/crash-cases.ts';
import { startNatsServer, withoutNatsServer } from './testing/nats-server.ts';

describe('crashes around nats-server', { skip: withoutNatsServer }, () => crashCases(startNatsServer));
