/** An instance of a service, as it announces itself. */
import { z } from 'zod';

export const Instance = z.object({
  service: z.string().min(1).max(63),
  /** Unique in the fleet, for example `ledger-1`. */
  instance: z.string().min(1).max(128),
  version: z.string(),
  /** Hash of the contract it serves; empty where it serves none (gateway, CLI). */
  contract: z.string(),
  /** Where its wire listens: `tcp://127.0.0.1:41234`; empty for members that only call. */
  address: z.string(),
  /** Base URL of its admin port. */
  admin: z.string().optional(),
  zone: z.string().default('local'),
  /** Share of traffic relative to others; default 1. */
  weight: z.number().positive().default(1),
  state: z.enum(['starting', 'ready', 'draining']),
  /** Unix time in milliseconds; a later start of the same instance id replaces an earlier one. */
  startedAt: z.number(),
  pid: z.number().int(),
});
export type Instance = z.infer<typeof Instance>;

/** A message that an instance is gone. `startedAt` keeps a late goodbye from removing its successor. */
export const Goodbye = z.object({ service: z.string(), instance: z.string(), startedAt: z.number() });
export type Goodbye = z.infer<typeof Goodbye>;
