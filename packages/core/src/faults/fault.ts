/**
 * A fault that is injected on purpose: what it does, to whom, and until when. This is the form in which faults travel
 * (control socket, IPC, environment); `fault-text.ts` has the form that people write.
 */
import { z } from 'zod';
import { isPlatformCode, type PlatformCode, platformCodes } from '../errors/platform-codes.ts';

/** A service, or one instance of it. */
export interface ServiceTarget {
  readonly service: string;
  readonly instance?: string | undefined;
}

/**
 * The calls from one process to another. Each end is the name of a service, or the id of one instance. With `operation`
 * only those calls; the name is that within its service (`hold`).
 */
export interface EdgeTarget {
  readonly from: string;
  readonly to: string;
  readonly operation?: string | undefined;
}

export type FaultTarget = ServiceTarget | EdgeTarget;

/** What a fault does. `rate` is the share of calls (or, on a service, of requests) that it hits; all without one. */
export type FaultEffect =
  /** Adds `latencyMs`, plus or minus at most `jitterMs`. */
  | {
      readonly kind: 'latency';
      readonly latencyMs: number;
      readonly jitterMs?: number | undefined;
      readonly rate?: number | undefined;
    }
  /** Calls fail with this code. */
  | { readonly kind: 'error'; readonly code: PlatformCode; readonly rate?: number | undefined }
  /** Connections stay open, and nothing passes through them any more. */
  | { readonly kind: 'blackhole' }
  /** Connections are cut without a word: once and at every attempt, or at this share of calls. */
  | { readonly kind: 'reset'; readonly rate?: number | undefined }
  /** The process burns this share of one core, on its event loop. */
  | { readonly kind: 'cpu'; readonly cpu: number }
  /** SIGSTOP, and SIGCONT at the end. Done by the supervisor. */
  | { readonly kind: 'pause' }
  /** SIGKILL, once; the supervisor then restarts the process as after any crash. Done by the supervisor. */
  | { readonly kind: 'kill' };

export type FaultKind = FaultEffect['kind'];

export type Fault = FaultEffect & {
  /** Unique in the fleet. */
  readonly id: string;
  readonly target: FaultTarget;
  /** When it ends by itself: Unix time in milliseconds. */
  readonly expiresAt: number;
};

/** Time to live of a fault for which none is given, in milliseconds. */
export const DEFAULT_FAULT_MS = 60_000;
/** Longest time to live, in milliseconds: a forgotten fault must not become the way things are. */
export const MAX_FAULT_MS = 3_600_000;
/** Longest latency that can be added, in milliseconds. */
export const MAX_LATENCY_MS = 600_000;

/** Kinds that hit calls, and so make sense on an edge; the others hit a process. */
const edgeKinds: readonly FaultKind[] = ['latency', 'error', 'blackhole', 'reset'];

export function isEdge(target: FaultTarget): target is EdgeTarget {
  return 'from' in target;
}

/** Why this kind of fault cannot be on this target, with what can; undefined when it can. */
export function misfit(kind: FaultKind, target: FaultTarget): string | undefined {
  if (!isEdge(target)) return undefined;
  const edge = `${target.from}->${target.to}`;
  if (!edgeKinds.includes(kind)) {
    return `'${kind}' happens to a process, not to the calls of ${edge}: name a service or an instance instead, such as ${target.to}`;
  }
  if (kind === 'blackhole' && target.operation !== undefined) {
    return `'blackhole' takes a whole connection, not one operation: use it on ${edge}, or latency=… on ${edge}.${target.operation}`;
  }
  return undefined;
}

const name = z.string().min(1).max(255);
const rate = z.number().gt(0).max(1).optional();
const platformCode = z.custom<PlatformCode>(
  (value) => typeof value === 'string' && isPlatformCode(value),
  `must be a platform code: ${Object.keys(platformCodes).join(', ')}`,
);

const target = z.union([
  z.strictObject({ service: name, instance: name.optional() }),
  z.strictObject({ from: name, to: name, operation: name.optional() }),
]);
const common = { id: name, target, expiresAt: z.number().positive() };

/** The form of a fault that another process has sent. */
export const faultSchema: z.ZodType<Fault> = z
  .discriminatedUnion('kind', [
    z.strictObject({
      ...common,
      kind: z.literal('latency'),
      latencyMs: z.number().min(0).max(MAX_LATENCY_MS),
      jitterMs: z.number().min(0).max(MAX_LATENCY_MS).optional(),
      rate,
    }),
    z.strictObject({ ...common, kind: z.literal('error'), code: platformCode, rate }),
    z.strictObject({ ...common, kind: z.literal('blackhole') }),
    z.strictObject({ ...common, kind: z.literal('reset'), rate }),
    z.strictObject({ ...common, kind: z.literal('cpu'), cpu: z.number().gt(0).max(1) }),
    z.strictObject({ ...common, kind: z.literal('pause') }),
    z.strictObject({ ...common, kind: z.literal('kill') }),
  ])
  .superRefine((fault, context) => {
    const problem = misfit(fault.kind, fault.target);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['target'], message: problem });
  });
