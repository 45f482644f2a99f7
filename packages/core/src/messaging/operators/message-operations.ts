/** What operators do with a fleet's messages, on any server that messaging runs on. Nothing here creates a stream. */
import type { NatsConnection } from '@nats-io/nats-core';
import { JetStreamApi } from '../jetstream/api.ts';
import { Topology } from '../topology.ts';
import type { DeadLetter, DeadLetterFilter } from './dead-letter.ts';
import { deadLetters } from './dead-letters.ts';
import type { GroupReport } from './group-report.ts';
import { type GroupFilter, groupReports } from './group-reports.ts';
import { type RedriveOptions, type RedriveReport, redrive } from './redrive.ts';
import { type ReplayOptions, type ReplayReport, type ReplaySelection, replay } from './replay.ts';

export class MessageOperations {
  readonly #api: JetStreamApi;
  readonly #topology: Topology;

  /** @param fleet its name. */
  constructor(connection: NatsConnection, fleet: string) {
    this.#api = new JetStreamApi(connection);
    this.#topology = new Topology(fleet);
  }

  /** How far behind the groups are, and who works at them. By service, group and event. */
  groups(filter: GroupFilter = {}): Promise<GroupReport[]> {
    return groupReports(this.#api, this.#topology, filter);
  }

  /** Those that match, the oldest first. */
  deadLetters(filter: DeadLetterFilter = {}): AsyncGenerator<DeadLetter, void, undefined> {
    return deadLetters(this.#api, this.#topology, filter);
  }

  /** Gives dead letters back to the groups that gave them up. */
  redrive(filter: DeadLetterFilter, options: RedriveOptions = {}): Promise<RedriveReport> {
    return redrive(this.#api, this.#topology, filter, options);
  }

  /** Lets one group handle stored events once more. */
  replay(selection: ReplaySelection, options: ReplayOptions = {}): Promise<ReplayReport> {
    return replay(this.#api, this.#topology, selection, options);
  }
}
