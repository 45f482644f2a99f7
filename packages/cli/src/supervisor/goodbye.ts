/**
 * Says goodbye for processes that could not: a killed instance leaves the callers' tables at once, and not only when
 * its time to live has passed. The member is loaded after the fleet is ready, because the start should not wait for it.
 */

import type { FleetMember } from 'flotilla';
import type { Death } from './supervisor.ts';

export interface GoodbyeSayer {
  /** Joins the fleet, so that it knows the instances by the time one dies. */
  prepare(): void;
  report(death: Death): void;
  close(): Promise<void>;
}

export interface GoodbyeOptions {
  readonly fleet: string;
  readonly secret: string;
  natsUrl(): string | undefined;
  /** When a goodbye could not be said; callers then learn of the death from the time to live. */
  onError(error: unknown): void;
}

export function goodbyeSayer(options: GoodbyeOptions): GoodbyeSayer {
  let joining: Promise<FleetMember | undefined> | undefined;
  const join = async (): Promise<FleetMember | undefined> => {
    const natsUrl = options.natsUrl();
    if (natsUrl === undefined) return undefined;
    try {
      const { joinFleet } = await import('flotilla');
      const { fleet, secret } = options;
      return await joinFleet({
        service: 'flotilla',
        instance: `flotilla-${process.pid}`,
        fleet,
        secret,
        natsUrl,
      });
    } catch (error) {
      joining = undefined;
      options.onError(error);
      return undefined;
    }
  };
  const joined = (): Promise<FleetMember | undefined> => {
    joining ??= join();
    return joining;
  };
  return {
    prepare() {
      void joined();
    },
    report({ service, instance, pid }) {
      joined()
        .then((member) => {
          const known = member?.discovery.list(service).find((each) => each.pid === pid);
          if (known !== undefined) member?.reportGone({ service, instance, startedAt: known.startedAt });
        })
        .catch(options.onError);
    },
    async close() {
      await (await joining)?.leave();
    },
  };
}
