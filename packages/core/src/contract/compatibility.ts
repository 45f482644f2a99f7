/**
 * Whether a caller built against one version of a contract can use a server of another version: operation by operation,
 * from the two documents.
 *
 * What callers may send must be accepted, and what the server may answer must be what callers count on. So a server may
 * add operations, optional input fields, output fields and error codes, accept more and promise more precisely; and it
 * may drop an input field, where it ignores those that it does not know. See `schema-inclusion.ts` for how schemas compare.
 */
import type { ContractDocument, OperationDocument } from './document.ts';
import { findExcluded } from './schema-inclusion.ts';

/**
 * The operations of the caller's contract that it cannot use on the server, by name, each with the reasons. Empty: it can
 * use all of them. The answer depends on the two hashes alone and may be kept by them.
 */
export function breaks(caller: ContractDocument, server: ContractDocument): Map<string, string[]> {
  const broken = new Map<string, string[]>();
  if (caller.hash === server.hash) return broken;
  for (const [name, operation] of Object.entries(caller.operations)) {
    const reasons = Object.hasOwn(server.operations, name)
      ? differences(operation, server.operations[name]!)
      : ['the operation is missing'];
    if (reasons.length > 0) broken.set(name, reasons);
  }
  return broken;
}

function differences(caller: OperationDocument, server: OperationDocument): string[] {
  const reasons = findExcluded(caller.input, server.input, 'input');
  if (caller.stream === server.stream) reasons.push(...findExcluded(server.output, caller.output, 'output'));
  else reasons.push(server.stream ? 'output: is a stream' : 'output: is not a stream');
  for (const [code, { data }] of Object.entries(caller.errors)) {
    const thrown = Object.hasOwn(server.errors, code) ? server.errors[code] : undefined;
    if (thrown) reasons.push(...findExcluded(thrown.data, data, 'output', `error ${code}`));
  }
  if (caller.idempotent && !server.idempotent) {
    reasons.push('is not idempotent: a call that is retried could take effect twice');
  }
  return reasons;
}
