/** What a contract is made of. */
import type { Event } from './event.ts';
import type { Operation } from './operation.ts';

export type Member = Operation | Event;
export type Members = Readonly<Record<string, Member>>;
