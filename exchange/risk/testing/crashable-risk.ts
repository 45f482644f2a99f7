/** For tests of what a crash may do: risk on a real file, put together as in its service, that can die at any moment. */
import {
  type CrashableDatabase,
  crashableDatabase,
  LogReader,
  mortalLogger,
  type PublishedLog,
} from '@exchange/matching/testing/crashable';
import type { Catalogue } from '@exchange/reference';
import { KnownCatalogue } from '@exchange/reference/known-catalogue';
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
  readonly #published: PublishedLog;
  readonly #log: Logger;
  #running: Running | undefined;

  /** @param published the engine's log. */
  constructor(path: string, catalogue: Catalogue, engine: RiskEngine, published: PublishedLog, log: Logger) {
    this.#path = path;
    this.#catalogue = catalogue;
    this.#engine = engine;
    this.#published = published;
    this.#log = log;
  }

  start(): void {
    const stopped = new AbortController();
    const { signal } = stopped;
    const database = crashableDatabase(this.#path, new URL('../migrations/', import.meta.url));
    const reader = new LogReader({
      database,
      log: this.#published,
      apply: (entry) => core.books.follow(entry),
      signal,
    });
    const core = riskCore({
      database,
      catalogue: new KnownCatalogue(silentLogger, this.#catalogue),
      engine: this.#mortal(this.#engine, signal),
      progress: reader,
      log: mortalLogger(this.#log, signal),
      signal,
      onFatal: (error) => {
        if (!signal.aborted) this.#log.error('risk ended itself', { error });
      },
    });
    this.#running = { database, core, stopped };
    reader.run().catch((error) => this.#log.error('an entry could not be applied', { error }));
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
    };
  }

  #up(): Running {
    if (this.#running) return this.#running;
    throw dead();
  }
}

function dead(): Error {
  return platformError('unavailable', 'risk is unavailable', { data: { executed: 'unknown' } });
}

function rejected(): Promise<never> {
  return Promise.reject(dead());
}
