/** A restart that an operator asked for, as far as it has got: see `restart-by-hand.ts` for how it goes on. */

export interface Restart {
  readonly id: number;
  readonly rolling: boolean;
  readonly current: RestartStage | undefined;
  readonly next: readonly string[];
}

/** How far the instance under way has got. */
export type RestartStage = { readonly instance: string } & (
  | { readonly stage: 'preparing'; readonly due: number }
  | { readonly stage: 'replacing'; readonly failed: boolean }
  | {
      readonly stage: 'settling';
      readonly heard: boolean;
      readonly settledAt: number;
      readonly heardBy: number;
    }
);

/** What an operator who watches a restart is told. */
export type RestartProgress =
  | { readonly stage: 'replacing' | 'ready' | 'settled'; readonly instance: string }
  /** Without an instance when the fleet was stopped. */
  | { readonly stage: 'failed'; readonly instance?: string; readonly reason: string }
  | { readonly stage: 'done' };
