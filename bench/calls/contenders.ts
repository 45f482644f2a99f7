/** Who takes part in the suite `calls`, the floor first. */
import { bareLoop } from './bare-loop.ts';
import type { Contender } from './contender.ts';
import { flotilla, flotillaMuted } from './flotilla.ts';
import { grpc } from './grpc.ts';
import { moleculer } from './moleculer.ts';
import { nats } from './nats.ts';
import { nestjs } from './nestjs.ts';

export const contenders: readonly Contender[] = [
  bareLoop,
  flotilla,
  flotillaMuted,
  moleculer,
  nestjs,
  nats,
  grpc,
];
