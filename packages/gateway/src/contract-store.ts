/**
 * The last known contracts, on disk: after a restart the gateway knows the routes of a service that is down, and says
 * "unavailable" where it would otherwise have to say "no such route".
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContractDocument, Logger } from 'flotilla';
import { z } from 'zod';

/** Only what keeps a foreign file from being taken for ours; a document itself is trusted, as this process wrote it. */
const Stored = z.object({
  contracts: z.array(
    z.looseObject({
      service: z.string().min(1),
      hash: z.string(),
      operations: z.record(z.string(), z.looseObject({})),
    }),
  ),
});

export interface ContractStore {
  load(): Promise<ContractDocument[]>;
  /** Replaces what is stored. A failure is logged: the gateway serves as well without. */
  save(contracts: readonly ContractDocument[]): Promise<void>;
}

export function contractStore(directory: string, log: Logger): ContractStore {
  const file = join(directory, 'contracts.json');
  let writing = Promise.resolve();
  const write = async (text: string): Promise<void> => {
    try {
      await mkdir(directory, { recursive: true });
      await writeFile(`${file}.new`, text, { mode: 0o600 });
      await rename(`${file}.new`, file);
    } catch (error) {
      log.warn('cannot store the contracts: routes of dead services are unknown after a restart', {
        file,
        error,
      });
    }
  };
  return {
    async load() {
      let text: string;
      try {
        text = await readFile(file, 'utf8');
      } catch {
        return [];
      }
      try {
        return Stored.parse(JSON.parse(text)).contracts as unknown as ContractDocument[];
      } catch (error) {
        log.warn('the stored contracts cannot be read: going on without', { file, error });
        return [];
      }
    },
    save(contracts) {
      writing = writing.then(() => write(JSON.stringify({ contracts })));
      return writing;
    },
  };
}

/** Keeps nothing. */
export const noContractStore: ContractStore = { load: async () => [], save: async () => {} };
