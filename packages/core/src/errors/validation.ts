/** What went wrong with a value that does not match its schema: the `data` of an `invalid_argument` error. */
import { FlotillaError } from './flotilla-error.ts';

export interface ValidationIssue {
  /** Where in the value: property names and array indexes from the root. Empty for the value itself. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface ValidationData {
  readonly issues: readonly ValidationIssue[];
}

/** `price: must be positive; quantity: expected string`. */
export function formatIssues(issues: readonly ValidationIssue[]): string {
  return issues
    .map(({ path, message }) => (path.length ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}

/** An `invalid_argument` error that names each field at fault. */
export function invalidArgument(
  issues: readonly ValidationIssue[],
): FlotillaError<'invalid_argument', ValidationData> {
  return new FlotillaError('invalid_argument', formatIssues(issues), { data: { issues } });
}
