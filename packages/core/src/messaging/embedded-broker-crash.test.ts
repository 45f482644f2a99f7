import { describe } from 'node:test';
import { crashCases } from './testing/crash-cases.ts';
import { startEmbeddedBroker } from './testing/embedded-broker.ts';

describe('crashes around the embedded broker', () => crashCases(startEmbeddedBroker));
