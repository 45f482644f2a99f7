import { describe } from 'node:test';
import { startEmbeddedBroker } from './testing/embedded-broker.ts';
import { logCases } from './testing/log-cases.ts';
import { messagingCases } from './testing/messaging-cases.ts';

describe('messages on the embedded broker', () => messagingCases(startEmbeddedBroker));

describe('logs on the embedded broker', () => logCases(startEmbeddedBroker));
