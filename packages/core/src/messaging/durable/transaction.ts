/** What work inside of a service's database transaction may do beside reading and writing rows. */
import type { ContractEvent } from '../../contract/contract.ts';
import type { InputOf, Schema } from '../../contract/schema.ts';
import type { MessageOptions } from '../publishing/event-publisher.ts';

export interface Transaction {
  /**
   * Publishes an event if the transaction commits: the message is written beside the rows, and relayed to its stream afterwards, in
   * the order of the commits.
   *
   * @returns the message's id.
   * @throws FlotillaError `invalid_argument` naming the field at fault, which undoes the transaction unless it is caught.
   */
  publish<P extends Schema>(event: ContractEvent<P>, payload: InputOf<P>, options?: MessageOptions): string;
}
