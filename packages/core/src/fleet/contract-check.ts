/**
 * Keeps calls away from instances whose contract breaks them. An instance that serves the very contract this process was
 * built with needs no look; of any other the contract is asked once, and compared operation by operation.
 */
import { breaks } from '../contract/compatibility.ts';
import { type Contract, contractInfo, describe } from '../contract/contract.ts';
import type { ContractDocument } from '../contract/document.ts';
import type { Instance } from '../discovery/instance.ts';
import type { Channel } from '../rpc/channel.ts';

/** The operation by which every service describes itself. */
export const contractOperation = '$contract';

const emptyInput = Buffer.from('{}');
const askForMs = 2_000;

export type Incompatible = ReadonlyMap<string, readonly string[]>;
const fits: Incompatible = new Map();

export class ContractCheck {
  readonly #contracts = new Map<string, Contract>();
  readonly #documents = new Map<string, ContractDocument>();

  /** This process calls a service under this contract. */
  expect(contract: Contract): void {
    this.#contracts.set(contractInfo(contract).name, contract);
  }

  /** A contract document by its hash, if it has been seen. */
  known(hash: string): ContractDocument | undefined {
    return this.#documents.get(hash);
  }

  /** Asks an instance for its contract. */
  async ask(channel: Channel, service: string): Promise<ContractDocument> {
    const id = `${service}.${contractOperation}`;
    const { payload } = await channel.call(id, emptyInput, { deadlineMs: askForMs });
    return this.remember(JSON.parse(payload.toString('utf8')) as ContractDocument);
  }

  remember(document: ContractDocument): ContractDocument {
    this.#documents.set(document.hash, document);
    return document;
  }

  /** The operations (as on the wire) that cannot be called on this instance, with the reasons. */
  async incompatibleOn({ service, contract: hash }: Instance, channel: Channel): Promise<Incompatible> {
    const contract = this.#contracts.get(service);
    if (!contract || hash === '') return fits;
    const expected = describe(contract);
    if (hash === expected.hash) return fits;
    const served = this.#documents.get(hash) ?? (await this.ask(channel, service));
    const found = breaks(expected, served);
    return new Map([...found].map(([operation, reasons]) => [`${service}.${operation}`, reasons]));
  }
}
