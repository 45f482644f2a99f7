/**
 * The shape of `flotilla.config.ts`. Unknown keys are refused, because a misspelt `replica` that is silently ignored
 * costs an afternoon. The gateway's and broker's own settings pass through: those packages validate them.
 */

import type { BrokerOptions } from '@flotilla/broker';
import type { GatewayConfigInput } from '@flotilla/gateway';
import { PolicyRules } from 'flotilla/policy-rules';
import { z } from 'zod';
import { durationOf } from '../duration.ts';

/** Instance names, folders and broker subjects are made from it, hence the narrow alphabet. */
export const NAME_PATTERN = /^[a-z][a-z0-9-]{0,62}$/;

const Name = z.string().regex(NAME_PATTERN, {
  error: 'must be lower-case letters, digits and dashes, beginning with a letter, at most 63 characters',
});

const Env = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'is not an environment variable name' }),
  z.union([z.string(), z.number(), z.boolean(), z.undefined()]),
);

const Port = z.int().min(0).max(65_535);

/** Milliseconds, of a number or of text such as `'5s'`. */
const Duration = z
  .union([z.number(), z.string().transform((text) => durationOf(text) ?? 0)])
  .refine((ms) => ms >= 1_000, { error: 'must be a time of at least one second' });

/** How long a process may be silent to the supervisor before it is replaced; `false` for as long as it likes. */
const Liveness = z.union([
  z.literal(false),
  z.strictObject({
    /** `'5s'`, or milliseconds. Longer than the longest job that keeps its event loop from turning. */
    timeout: Duration,
  }),
]);

export const ServiceSchema = z.strictObject({
  /** Module whose default export is a service, relative to the configuration file. */
  entry: z.string().min(1),
  /** Processes to run. Default 1. */
  replicas: z.int().min(1).max(1_000).default(1),
  /** Services that must be ready before this one starts. Default none. */
  after: z.array(z.string()).default([]),
  /** Environment of this service's processes; wins over the fleet's. A number or boolean is written as text. */
  env: Env.default({}),
  /** Default: that of the fleet. */
  liveness: Liveness.optional(),
});

const Gateway = z.looseObject({
  /** Default 8080; 0 takes any free port and keeps it across restarts. */
  port: Port.optional(),
  env: Env.default({}),
});

const Broker = z.looseObject({
  /** Default 8422; 0 takes any free port and keeps it across restarts. */
  port: Port.optional(),
  env: Env.default({}),
});

export const FleetSchema = z.strictObject({
  name: Name,
  /** Environment of every process of the fleet. */
  env: Env.default({}),
  services: z.record(Name, ServiceSchema),
  /** `false` runs the fleet without a gateway. */
  gateway: z.union([z.literal(false), Gateway]).default({ env: {} }),
  broker: Broker.default({ env: {} }),
  /** Default `{ timeout: '5s' }`. Of every process, broker and gateway included, that has none of its own. */
  liveness: Liveness.default({ timeout: 5_000 }),
  /** How calls are balanced, limited, retried and broken off, by selector: `'*'`, `'ledger'`, `'risk->ledger.hold'`. */
  policies: PolicyRules.default({}),
  /** Whether operators may inject faults. Default no. */
  faults: z.boolean().default(false),
});

type Written = z.input<typeof FleetSchema>;

/** What the broker and the gateway have besides their own settings. */
interface ProcessConfig {
  /** 0 takes any free port and keeps it across restarts. */
  readonly port?: number;
  readonly env?: Environment;
}

/** A configuration as its author writes it. */
export type FleetConfig = Pick<Written, 'name' | 'env' | 'services' | 'liveness' | 'policies' | 'faults'> & {
  /** Default port 8080. `false` runs the fleet without a gateway. */
  readonly gateway?: false | (GatewayConfigInput & ProcessConfig);
  /** Default port 8422. */
  readonly broker?: Pick<BrokerOptions, 'limits' | 'durability'> & ProcessConfig;
};
/** A configuration with its defaults filled in. */
export type Fleet = z.output<typeof FleetSchema>;
export type ServiceConfig = Fleet['services'][string];
export type Environment = z.output<typeof Env>;
