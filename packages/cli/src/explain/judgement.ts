/** What a policy means for one operation: whether its calls are repeated, and why. Pure. */

import type { OperationDocument, PolicyValue } from 'flotilla';

export interface Judgement {
  readonly yes: boolean;
  /** A sentence for people. */
  readonly because: string;
}

export type PolicyValues = ReadonlyMap<string, PolicyValue['value']>;

export function valuesOf(values: readonly PolicyValue[]): PolicyValues {
  return new Map(values.map(({ key, value }) => [key, value]));
}

type Facts = Pick<OperationDocument, 'idempotent' | 'stream'>;

/** Whether a failed call is tried again. */
export function judgeRetry({ idempotent, stream }: Facts, values: PolicyValues): Judgement {
  const attempts = Number(values.get('retry.attempts'));
  if (attempts <= 1) return { yes: false, because: 'retry.attempts is 1' };
  const unheard = 'when no instance has heard of it (unavailable before it was sent)';
  if (stream) {
    return {
      yes: true,
      because: `a stream is opened again, up to ${attempts} tries, ${unheard}, and never once it has begun`,
    };
  }
  const share = Number(values.get('retry.budget')) * 100;
  const budget = `retries stay under ${Number(share.toPrecision(3))} % of calls`;
  return idempotent
    ? {
        yes: true,
        because: `it is idempotent: up to ${attempts} tries after unavailable and overloaded; ${budget}`,
      }
    : {
        yes: true,
        because: `it is not idempotent: up to ${attempts} tries, but only ${unheard} or it was refused unexecuted (overloaded); ${budget}`,
      };
}

/** Whether a second try starts while the first is still under way. */
export function judgeHedge({ idempotent, stream }: Facts, values: PolicyValues): Judgement {
  if (stream) return { yes: false, because: 'it is a stream' };
  if (!idempotent) return { yes: false, because: 'it is not idempotent' };
  if (values.get('hedge.enabled') !== true) return { yes: false, because: 'hedge.enabled is false' };
  const quantile = Number(values.get('hedge.quantile')) * 100;
  const share = Number(values.get('hedge.budget')) * 100;
  return {
    yes: true,
    because:
      `a second try starts when a call takes longer than ${Number(quantile.toPrecision(4))} % of them ` +
      `(at least ${values.get('hedge.minMs')} ms); hedges stay under ${Number(share.toPrecision(3))} % of calls`,
  };
}
