/** What is in a store, and what is wrong with it. */

export interface StoreReport {
  /** By name. */
  readonly streams: readonly StoredStream[];
  readonly messages: number;
  /** Of the files. */
  readonly bytes: number;
  /** Empty when all is as it was written. */
  readonly problems: readonly StoreProblem[];
}

export interface StoredStream {
  readonly name: string;
  readonly messages: number;
  readonly lastSequence: number;
}

export interface StoreProblem {
  /** Name of the file. */
  readonly file: string;
  /** Undefined when it is the file as a whole. */
  readonly stream?: string;
  readonly sequence?: number;
  readonly message: string;
}
