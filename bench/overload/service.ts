/** What is overloaded: a service that computes, and one whose calls share something that suffers from crowding. */
import { contract, operation, type Service, service } from 'flotilla';

export const Overload = contract('overload', {
  compute: operation({ summary: 'Computes for 2 ms: one at a time, 500 a second' }),
  query: operation({ summary: 'Waits 20 ms for something with room for 8 at a time: 400 a second' }),
  order: operation({ summary: 'As compute, but more important', priority: 'high' }),
  report: operation({ summary: 'As compute, but less important', priority: 'background' }),
});

/** What the operations are built to carry in a second. */
export const capacity = { compute: 500, query: 400 };

const computeMs = 2;
const queryMs = 20;
const slots = 8;
/** With twice as many as there is room for, each takes 2.5 times as long: a fifth of the throughput is lost to crowding. */
const contention = 1.3;

export function overloadService(): Service {
  const compute = calibrated(computeMs);
  let querying = 0;
  return service(Overload, {
    operations: {
      compute,
      order: compute,
      report: compute,
      async query() {
        querying++;
        const slowdown = Math.max(1, querying / slots) ** contention;
        await new Promise((resolve) => setTimeout(resolve, queryMs * slowdown));
        querying--;
      },
    },
  });
}

/** Work that takes so long on this machine when nothing disturbs it. */
function calibrated(milliseconds: number): () => void {
  let state = 1;
  const run = (steps: number) => {
    for (let step = 0; step < steps; step++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state;
  };
  const sample = 1_000_000;
  run(sample);
  let fastest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 20; attempt++) {
    const startedAt = performance.now();
    run(sample);
    fastest = Math.min(fastest, performance.now() - startedAt);
  }
  const steps = Math.round((sample * milliseconds) / fastest);
  return () => {
    run(steps);
  };
}
