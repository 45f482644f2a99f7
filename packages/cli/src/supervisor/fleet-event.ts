/** What `flotilla up --json` prints, one JSON object a line. */

import type { FleetUrls } from '../data/fleet-record.ts';
import type { FaultChange } from '../steering/steering.ts';
import type { StartFailure } from '../supervision/fleet-state.ts';
import type { InstanceView, PhaseChange } from './supervisor.ts';

export type FleetEvent =
  | ({ readonly type: 'state'; readonly time: string } & PhaseChange)
  | {
      readonly type: 'ready';
      readonly time: string;
      readonly name: string;
      /** Pid of the supervisor. */
      readonly pid: number;
      /** From start to ready. */
      readonly seconds: number;
      readonly urls: FleetUrls;
      /** Absolute path of the data directory. */
      readonly data: string;
      readonly instances: readonly InstanceView[];
    }
  | ({ readonly type: 'fault'; readonly time: string } & FaultChange)
  | { readonly type: 'failed'; readonly time: string; readonly failures: readonly StartFailure[] }
  | { readonly type: 'stopped'; readonly time: string };
