/**
 * How far each group of a service has come, known from its database before anything is read: a service can tell it from the moment
 * it starts, also while the broker is away.
 */
import { platformError } from '../../errors/flotilla-error.ts';
import type { Durable } from '../durable/durable.ts';
import type { OrderedSubscription } from '../subscription.ts';
import { noPosition } from './positions.ts';
import { Progress } from './progress.ts';

export class ProgressBook {
  readonly #progress = new Map<string, Progress>();

  constructor(subscriptions: readonly OrderedSubscription[], durable: Durable | undefined) {
    for (const subscription of subscriptions) {
      const { service, settings, partitions } = subscription;
      const progress = new Progress(partitions);
      this.#progress.set(keyOf(settings.group, service), progress);
      if (durable) recall(progress, subscription, durable);
    }
  }

  /** @throws FlotillaError `not_found` when there is no such subscription, or it has no order. */
  of(group: string, service: string): Progress {
    const found = this.#progress.get(keyOf(group, service));
    if (found) return found;
    throw platformError(
      'not_found',
      `no subscription of group '${group}' follows the events of ${service} in order`,
    );
  }
}

function recall(
  progress: Progress,
  subscription: OrderedSubscription,
  { checkpoints, database }: Durable,
): void {
  const { service, settings, partitions } = subscription;
  const positions = subscription.kind === 'transaction' ? subscription.positions : undefined;
  for (let partition = 0; partition < partitions; partition++) {
    const known = checkpoints.read({ group: settings.group, service, partition });
    const position = known && known.position !== noPosition ? known.position : positions?.before(database);
    // Its sequence means something once it is known that the stream is the same.
    if (position !== undefined) progress.reached(partition, noPosition, position);
  }
}

function keyOf(group: string, service: string): string {
  return `${group} ${service}`;
}
