/** A server under measurement: a process of its own on loopback, with its files in a temporary directory. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  /** Kills it and removes its files. Also done when this process ends. */
  stop(): void;
}
