/** One way to make a call from one process to another: what is measured, and what it is measured against. */

/** The payload of every call, about 44 bytes of JSON; the answer is of the same kind. */
export interface Ping {
  readonly account: string;
  readonly amount: string;
  readonly n: number;
}

export const ping: Ping = { account: 'demo-1234', amount: '1000', n: 7 };

export interface Served {
  /** What `connect` in the other process needs. */
  readonly address: string;
  /** CPU so far, in microseconds, of processes that it started. */
  otherCpuUs?(): number;
  close(): Promise<void>;
}

export interface Connected {
  call(input: Ping): Promise<Ping>;
  close(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** What is switched on, for the report. */
  readonly features: string;
  /** What is not installed here, so that it cannot take part. */
  missing?(): string | undefined;
  serve(): Promise<Served>;
  connect(address: string): Promise<Connected>;
}
