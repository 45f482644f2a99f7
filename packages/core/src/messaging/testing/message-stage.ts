/** One broker for many cases, a scene for each of them, and what many of them do. */
import { after, afterEach, before, beforeEach } from 'node:test';
import type { DeadLetter } from '../operators/dead-letter.ts';
import { Ledger, type Posting } from './mailbox.ts';
import { type Member, MessageScene } from './message-scene.ts';
import type { TestBroker } from './nats-server.ts';

export interface MessageStage<B extends TestBroker = TestBroker> {
  readonly broker: B;
  /** Of the case that runs. */
  readonly scene: MessageScene;
  /** All that there are in the scene. */
  deadLetters(): Promise<DeadLetter[]>;
}

/** To be called in a suite: starts the broker before its cases, and stops it after them. */
export function stageOn<B extends TestBroker>(startBroker: () => Promise<B>): MessageStage<B> {
  let broker: B | undefined;
  let scene: MessageScene | undefined;

  before(async () => {
    broker = await startBroker();
  });
  after(() => broker?.stop());
  beforeEach(() => {
    scene = new MessageScene(broker!);
  });
  afterEach(() => scene?.close());
  return {
    get broker() {
      return broker!;
    },
    get scene() {
      return scene!;
    },
    async deadLetters() {
      const letters: DeadLetter[] = [];
      for await (const letter of (await scene!.operations()).deadLetters()) letters.push(letter);
      return letters;
    },
  };
}

/** The schema of a member that keeps the numbers it has handled. */
export const rows = 'CREATE TABLE rows (n INTEGER NOT NULL) STRICT';

/** In the order in which they were handled. */
export function rowsOf({ database }: Member): number[] {
  return database
    .prepare('SELECT n FROM rows ORDER BY rowid')
    .all()
    .map(({ n }) => Number(n));
}

export async function publishAll({ messages }: Member, all: readonly Posting[]): Promise<void> {
  await Promise.all(all.map((posting) => messages.publish(Ledger.posted, posting)));
}

export async function publishInTurn({ messages }: Member, all: readonly Posting[]): Promise<void> {
  for (const posting of all) await messages.publish(Ledger.posted, posting);
}
