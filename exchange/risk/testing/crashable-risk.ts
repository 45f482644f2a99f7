/** For tests of what a crash may do: risk on a real file, put together as in its service, that can die at any moment. */
import {
  type CrashableDatabase,
  crashableDatabase,
  mortalLogger,
} from '@exchange/matching/testing/crashable';
import type { Catalogue } from '@exchange/reference';
import { followCatalogue } from '@exchange/reference/follow';
import { type Logger, platformError, silentLogger } from 'flotilla';
import type { PlaceOrder } from '../contract.ts';
import type { Placed } from '../desk.ts';
import { type RiskCore, type RiskEngine, riskCore } from '../risk-core.ts';

interface Running {
  readonly database: CrashableDatabase;
  readonly core: RiskCore;
  readonly stopped: AbortController;
}

export class CrashableRisk {
  readonly #path: string;
  readonly #catalogue: Catalogue;
  readonly #engine: RiskEngine;
  readonly #log: Logger;
  #running: Running | undefined;

  constructor(path: string, catalogue: Catalogue, engine: RiskEngine, log: Logger) {
    this.#path = path;
    this.#catalogue = catalogue;
    this.#engine = engine;
    this.#log = log;
  }

  start(): void {
    const stopped = new AbortController();
    const { signal } = stopped;
    const database = crashableDatabase(this.#path, new URL('../migrations/', import.meta.url));
    const catalogue = followCatalogue({
      client: { watch: () => silence(signal) },
      initial: this.#catalogue,
      log: silentLogger,
      signal,
    });
    const core = riskCore({
      database,
      catalogue,
      engine: this.#mortal(this.#engine, signal),
      log: mortalLogger(this.#log, signal),
      signal,
      onFatal: (error) => {
        if (!signal.aborted) this.#log.error('risk ended itself', { error });
      },
    });
    this.#running = { database, core, stopped };
  }

  crash(): void {
    const { database, stopped } = this.#up();
    this.#running = undefined;
    stopped.abort(dead());
    database.crash();
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  get core(): RiskCore {
    return this.#up().core;
  }

  /** What a client sees: an answer that was not out before the crash never comes. */
  async place(account: string, input: PlaceOrder): Promise<Placed> {
    const { core, stopped } = this.#up();
    const placed = await core.desk.place(account, input);
    if (stopped.signal.aborted) throw dead();
    return placed;
  }

  /** A dead process sends nothing. */
  #mortal(engine: RiskEngine, signal: AbortSignal): RiskEngine {
    return {
      submit: (...given) => (signal.aborted ? rejected() : engine.submit(...given)),
      abandon: (...given) => (signal.aborted ? rejected() : engine.abandon(...given)),
      head: (...given) => engine.head(...given),
      log: (...given) => engine.log(...given),
    };
  }

  #up(): Running {
    if (this.#running) return this.#running;
    throw dead();
  }
}

/** A catalogue that never changes. */
async function* silence(signal: AbortSignal): AsyncGenerator<Catalogue, void> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

function dead(): Error {
  return platformError('unavailable', 'risk is unavailable', { data: { executed: 'unknown' } });
}

function rejected(): Promise<never> {
  return Promise.reject(dead());
}
