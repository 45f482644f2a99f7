/** The gateway's configuration: from the fleet's configuration file, handed to the process in its environment. */
import { FlotillaError } from 'flotilla';
import { z } from 'zod';
import { JsonWebKeySet } from './auth/key-ring.ts';
import { Limits } from './limits.ts';

export const GatewayConfig = z.strictObject({
  /** Which tokens are accepted. Without it only public operations can be called. */
  auth: z
    .strictObject({
      /** The `iss` that tokens must have. */
      issuer: z.string().min(1),
      /** The `aud` that tokens must have. */
      audience: z.string().min(1),
      /** The operation that returns the issuer's key set, such as `identity.keys`, or the key set itself. */
      keys: z.union([
        z.string().regex(/^[a-z][a-z0-9-]{0,62}\.[a-z][a-zA-Z0-9]{0,62}$/, 'must be service.operation'),
        JsonWebKeySet,
      ]),
    })
    .optional(),
  limits: Limits.prefault({}),
  /** An idle event stream gets a comment this often, in milliseconds, so that nobody between takes it for dead. */
  heartbeatMs: z.int().min(10).default(15_000),
  /** Time for a request, in milliseconds, given to the service as the call's deadline. A client can only shorten it. */
  deadlineMs: z.int().positive().default(10_000),
});
/** The configuration with every default filled in. */
export type GatewayConfig = z.infer<typeof GatewayConfig>;
/** What a person writes. */
export type GatewayConfigInput = z.input<typeof GatewayConfig>;

/** @throws FlotillaError `invalid_argument` that lists everything that is wrong. */
export function parseGatewayConfig(value: unknown): GatewayConfig {
  const result = GatewayConfig.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `gateway.${path.join('.')}: ${message}`);
  throw new FlotillaError('invalid_argument', `the gateway's configuration is wrong: ${problems.join('; ')}`);
}

export interface GatewayEnvironment {
  readonly config: GatewayConfig;
  readonly port: number;
  readonly host: string;
  /** 0 for any free port. */
  readonly adminPort: number;
  /** Where the gateway is. */
  readonly zone: string;
  /** Where the gateway keeps what it must know after a restart; undefined for nowhere. */
  readonly dataDirectory: string | undefined;
  /** Services whose contracts must be known before the gateway is ready. */
  readonly expect: readonly string[];
}

const Environment = z.object({
  FLOTILLA_GATEWAY_CONFIG: z.string().default('{}'),
  FLOTILLA_GATEWAY_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  FLOTILLA_ADMIN_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  FLOTILLA_HOST: z.string().min(1).default('127.0.0.1'),
  FLOTILLA_ZONE: z.string().min(1).default('local'),
  FLOTILLA_DATA: z.string().min(1).optional(),
  FLOTILLA_GATEWAY_EXPECT: z.string().default(''),
});

/** @throws FlotillaError `invalid_argument` that names the variable and what it should hold. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): GatewayEnvironment {
  const result = Environment.safeParse(environment);
  if (!result.success) {
    const problems = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new FlotillaError('invalid_argument', `the gateway's environment is wrong: ${problems.join('; ')}`);
  }
  const { data } = result;
  let given: unknown;
  try {
    given = JSON.parse(data.FLOTILLA_GATEWAY_CONFIG);
  } catch (cause) {
    throw new FlotillaError('invalid_argument', 'FLOTILLA_GATEWAY_CONFIG is not JSON', { cause });
  }
  return {
    config: parseGatewayConfig(given),
    port: data.FLOTILLA_GATEWAY_PORT,
    host: data.FLOTILLA_HOST,
    adminPort: data.FLOTILLA_ADMIN_PORT,
    zone: data.FLOTILLA_ZONE,
    dataDirectory: data.FLOTILLA_DATA,
    expect: data.FLOTILLA_GATEWAY_EXPECT.split(',').filter((name) => name !== ''),
  };
}
