/** What is told of a consumer group: how far behind it is, and who works at it. */

export interface GroupReport {
  readonly group: string;
  /** Whose events. */
  readonly service: string;
  /** `subscribe`: partitions with one owner each. `work`: one event, and members that compete for it. */
  readonly kind: 'subscribe' | 'work';
  /** Undefined: those that its handlers name. */
  readonly event?: string;
  /** Where they lie. */
  readonly stream: string;
  /** Messages that are stored and not done with. */
  readonly lag: number;
  /** When the oldest of them was stored. */
  readonly oldest?: Date;
  readonly inFlight: number;
  /** Further attempts: since its owner took over a partition; for `work`, messages in flight that were delivered before. */
  readonly retries: number;
  /** Of the group, that lie there now. */
  readonly deadLetters: number;
  /** Given back to the group or replayed to it, and not done with. */
  readonly givenBack: number;
  /** Instances that share the partitions, by name. None for `work`, whose members the broker does not know by name. */
  readonly members: readonly GroupMember[];
  /** Of `subscribe`, in their order. */
  readonly partitions: readonly PartitionReport[];
  /** Of `work`. */
  readonly consumer?: WorkConsumer;
}

export interface GroupMember {
  readonly instance: string;
  /** When it last said that it lives, by the broker's clock: it does so every second or two. One that was killed is silent. */
  readonly seen: Date;
}

export interface PartitionReport {
  readonly partition: number;
  /** Undefined while nobody has it. */
  readonly owner?: string;
  /** Raised by everyone who takes it over. */
  readonly epoch: number;
  /** The last sequence that is done with, as are all before it; -1 before the first. */
  readonly checkpoint: number;
  readonly lag: number;
  readonly oldest?: Date;
  readonly inFlight: number;
  readonly retries: number;
  /** Since its owner took it over. */
  readonly deadLetters: number;
  /** When its owner told this: every two seconds, when something has changed. Undefined where nobody has read. */
  readonly reported?: Date;
}

export interface WorkConsumer {
  readonly name: string;
  /** Sequence up to which messages were handed out. */
  readonly delivered: number;
  /** Sequence up to which all are done with. */
  readonly ackFloor: number;
  /** Members that wait for messages. */
  readonly waiting: number;
}
