/**
 * What an operator has decided for all processes of a fleet: policies, faults, breakers held open or closed. The supervisor
 * holds it and sends it to every process at each change; a process without a supervisor reads it from `FLOTILLA_CONTROL`.
 */
import { z } from 'zod';
import { platformError } from '../errors/flotilla-error.ts';
import { faultSchema } from '../faults/fault.ts';
import { PolicyRules } from '../resilience/policy-rules.ts';

export const ControlDocument = z.object({
  /** Policies of the fleet's configuration. */
  configured: PolicyRules.default({}),
  /** Policies set at run time: they win. */
  policies: PolicyRules.default({}),
  faults: z.array(faultSchema).default([]),
  /** Selectors as of policies, without `*` → the state in which their breakers are held. */
  breakers: z.record(z.string(), z.enum(['open', 'closed'])).default({}),
});
export type ControlDocument = z.infer<typeof ControlDocument>;

export const emptyControl: ControlDocument = { configured: {}, policies: {}, faults: [], breakers: {} };

/**
 * The document in `FLOTILLA_CONTROL`; an empty one when it is not set.
 *
 * @throws FlotillaError `invalid_argument` that says where it is wrong.
 */
export function readControl(environment: NodeJS.ProcessEnv): ControlDocument {
  const text = environment.FLOTILLA_CONTROL;
  if (!text) return emptyControl;
  try {
    return ControlDocument.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw platformError('invalid_argument', `FLOTILLA_CONTROL is not a control document: ${why}`, { cause });
  }
}
