/** Waits until the contracts that the gateway has to expect are known. */
import type { ContractDocument } from 'flotilla';

/** What this needs of the fleet upstream. */
export interface KnownContracts {
  services(): readonly ContractDocument[];
  isLive(service: string): boolean;
  onChange(listener: () => void): void;
}

export interface Patience {
  /** For a service that is known only from an earlier run, and may be down, in milliseconds. Default 3 s. */
  readonly storedMs?: number;
  /** For any service, in milliseconds. Default 20 s. */
  readonly longestMs?: number;
}

/** @returns the services whose contracts are still unknown when patience ends; usually none. */
export async function awaitContracts(
  known: KnownContracts,
  expected: readonly string[],
  { storedMs = 3_000, longestMs = 20_000 }: Patience = {},
): Promise<string[]> {
  const stored = () => new Set(known.services().map(({ service }) => service));
  const notLive = () => expected.filter((service) => !known.isLive(service));
  const unknown = () => expected.filter((service) => !stored().has(service));
  if (notLive().length === 0) return [];
  return new Promise((resolve) => {
    let storedSuffices = false;
    const finish = () => {
      clearTimeout(soon);
      clearTimeout(last);
      resolve(unknown());
    };
    const check = () => {
      if (notLive().length === 0 || (storedSuffices && unknown().length === 0)) finish();
    };
    const soon = setTimeout(() => {
      storedSuffices = true;
      check();
    }, storedMs);
    const last = setTimeout(finish, longestMs);
    known.onChange(check);
  });
}
