/**
 * The supervisor's own presence in the fleet. It says goodbye for processes that could not, so that a killed instance
 * leaves the callers' tables at once, and not only when its time to live has passed; and it sees who is known to callers.
 * The member is loaded after the fleet is ready, because the start should not wait for it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { FleetMember } from 'flotilla';
import { restWhenIdle } from 'flotilla/idle-process';
import type { Death } from './supervisor.ts';

export interface Presence {
  /** Joins the fleet, so that it knows the instances by the time one dies. */
  prepare(): void;
  /** Says goodbye for a process that is gone. */
  report(death: Death): void;
  /** Resolves when discovery knows that this process is ready; never if it does not. */
  heard(service: string, pid: number): Promise<void>;
  /** Operations of a service; undefined when it cannot be asked now. */
  operations(service: string): Promise<readonly string[] | undefined>;
  close(): Promise<void>;
}

/** For a question of an operator, who waits. */
const ANSWER_MS = 1_000;

export interface PresenceOptions {
  readonly fleet: string;
  readonly secret: string;
  natsUrl(): string | undefined;
  /** When the fleet cannot be joined, or a goodbye not be said; callers then learn of a death from the time to live. */
  onError(error: unknown): void;
}

export function fleetPresence(options: PresenceOptions): Presence {
  let joining: Promise<FleetMember | undefined> | undefined;
  const join = async (): Promise<FleetMember | undefined> => {
    const natsUrl = options.natsUrl();
    if (natsUrl === undefined) return undefined;
    try {
      const { joinFleet } = await import('flotilla');
      const { fleet, secret } = options;
      const member = await joinFleet({
        service: 'flotilla',
        instance: `flotilla-${process.pid}`,
        fleet,
        secret,
        natsUrl,
        heartbeats: 'called',
      });
      return member;
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
      restWhenIdle();
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
    async heard(service, pid) {
      const member = await joined();
      const isKnown = (): boolean =>
        member?.discovery.list(service).some((each) => each.pid === pid && each.state === 'ready') ?? false;
      if (isKnown()) return;
      await new Promise<void>((resolve) => {
        const unfollow = member?.discovery.onChange(() => {
          if (!isKnown()) return;
          unfollow?.();
          resolve();
        });
      });
    },
    async operations(service) {
      const asked = joined()
        .then((member) => member?.contract(service))
        .then((contract) => contract && Object.keys(contract.operations))
        .catch(() => undefined);
      return Promise.race([asked, sleep(ANSWER_MS, undefined, { ref: false })]);
    },
    async close() {
      await (await joining)?.leave();
    },
  };
}
