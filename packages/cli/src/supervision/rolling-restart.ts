/** Restarts by hand, one instance after the other. Whoever depends on them stays. */

import { type Draft, patch, spawn, terminate } from './draft.ts';
import { isAlivePhase } from './fleet-state.ts';

export function continueRollingRestarts(draft: Draft): void {
  draft.rolling = draft.rolling.flatMap((rolling) => {
    let { current, next } = rolling;
    while (current === undefined || draft.instances.get(current)?.byHand !== true) {
      [current, ...next] = next;
      if (current === undefined) return [];
      beginRestart(draft, current);
    }
    return [{ current, next }];
  });
}

function beginRestart(draft: Draft, name: string): void {
  const instance = draft.instances.get(name);
  if (instance === undefined) return;
  if (instance.phase === 'backoff') {
    patch(draft, name, { byHand: true, deaths: 0 });
    spawn(draft, name);
  } else if (isAlivePhase(instance.phase)) {
    patch(draft, name, { byHand: true });
    if (instance.phase !== 'stopping') terminate(draft, name, draft.moment.now + draft.policy.stopKillMs);
  }
}
