/**
 * Funding: what an account is opened with is booked by the ledger and then credited by risk, each once per transfer id;
 * after that the account is marked as funded. Whatever a crash or an unavailable service leaves unfinished in between is
 * finished later, from the accounts that carry no mark.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Ledger } from '@exchange/ledger';
import { type Balance, Risk } from '@exchange/risk';
import { type CallOptions, type Clients, type Logger, toFlotillaError } from 'flotilla';
import type { Account, Accounts } from './accounts.ts';

export const uses = { Ledger, Risk };

/** Credits what the account was opened with, once however often it is called. Gives its balances. */
export async function fund(
  account: Account,
  accounts: Accounts,
  clients: Clients<typeof uses>,
  options?: CallOptions,
): Promise<Balance[]> {
  const input = { transfer: `funding:${account.id}`, account: account.id, amounts: [...account.funding] };
  await clients.Ledger.fund(input, options);
  const balances = await clients.Risk.fund(input, options);
  await accounts.markFunded(account.id);
  return balances;
}

export interface FinishFundingOptions {
  readonly accounts: Accounts;
  /** Clients that no call's deadline limits: those of the service's runtime. */
  readonly clients: Clients<typeof uses>;
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Milliseconds between two rounds; default 500. */
  readonly everyMs?: number;
}

/** Finishes, until `signal`, what was left unfinished. Resolves then. */
export async function finishFunding(options: FinishFundingOptions): Promise<void> {
  const { signal, everyMs = 500 } = options;
  // Accounts whose refusal is in the log, so that it is not repeated at every round.
  const reported = new Set<string>();
  while (!signal.aborted) {
    await finishRound(options, reported);
    await pause(everyMs, undefined, { signal }).catch(() => {});
  }
}

async function finishRound(
  { accounts, clients, log, signal }: FinishFundingOptions,
  reported: Set<string>,
): Promise<void> {
  for (const account of accounts.unfunded()) {
    if (signal.aborted) return;
    try {
      await fund(account, accounts, clients, { signal });
      log.info('funding finished', { account: account.id });
    } catch (thrown) {
      const error = toFlotillaError(thrown);
      if (error.retryable || error.code === 'cancelled') {
        log.debug('funding is still to be finished', { account: account.id, error });
        // The others need the same services.
        return;
      }
      if (reported.has(account.id)) continue;
      reported.add(account.id);
      log.error('funding was refused: the account waits until that changes', { account: account.id, error });
    }
  }
}
