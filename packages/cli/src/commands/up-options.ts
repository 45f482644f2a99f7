import type { Flags } from '../config/settings.ts';

/** The options of `flotilla up`. */
export interface UpOptions extends Flags {
  readonly config?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
}
