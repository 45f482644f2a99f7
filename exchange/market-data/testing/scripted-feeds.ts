/** `feeds` for tests: says what another venue does, as the test plays it; what is played while it is away comes when it is back. */
import { Feeds, type VenueEvent } from '@exchange/feeds';
import { platformError, type Service, type ServiceRuntime, service } from 'flotilla';
import { ScriptedVenue, type VenueStep } from './scripted-venue.ts';

export class ScriptedFeeds {
  readonly #venue = new ScriptedVenue();
  readonly #unsaid: VenueEvent[] = [];
  #runtime: Pick<ServiceRuntime<unknown, never>, 'publish'> | undefined;
  readonly service: Service;

  constructor() {
    const outside = (): never => {
      throw platformError('unimplemented', 'these feeds are the other venue only');
    };
    this.service = service(Feeds, {
      start: (runtime) => {
        this.#runtime = runtime;
        this.#say();
      },
      stop: () => {
        this.#runtime = undefined;
      },
      operations: { venue: () => null, status: outside, pause: outside, resume: outside },
    });
  }

  play(...steps: readonly VenueStep[]): void {
    this.#unsaid.push(...this.#venue.play(...steps));
    this.#say();
  }

  /** From the beginning, under another number. */
  newRun(): void {
    this.#venue.newRun();
  }

  #say(): void {
    if (!this.#runtime) return;
    for (const event of this.#unsaid.splice(0)) void this.#runtime.publish(Feeds.played, event);
  }
}
