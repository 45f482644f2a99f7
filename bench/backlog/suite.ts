/** The suite `backlog`: what much that is stored, and not yet handled, costs the broker and those who are not behind. */
import type { Scenario } from '../scenario.ts';
import { largeStore } from './large-store.ts';
import { slowConsumer } from './slow-consumer.ts';

export const backlog: readonly Scenario[] = [slowConsumer, largeStore];
