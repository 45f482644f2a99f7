/** The `Idempotency-Key` header: names a request, so that a service that keeps results recognises a repetition. */
import { badParameter } from '../refusal.ts';

/** @throws Refusal `invalid_argument` unless the key is 1 to 255 printable ASCII characters. */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header !== undefined && !/^[\x21-\x7e]{1,255}$/.test(header)) {
    throw badParameter(
      'header',
      'idempotency-key',
      'must be 1 to 255 printable ASCII characters without spaces',
    );
  }
  return header;
}
