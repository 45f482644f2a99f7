/**
 * The fleet secret: generated when a fleet starts, it authenticates every internal port. It is never used itself where
 * something else does: each purpose has a key derived from it, so that one leaked token opens one door.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { platformError } from '../errors/flotilla-error.ts';

export type SecretPurpose = 'wire' | 'broker' | 'admin' | 'control';

const shortest = 16;

/** HMAC-SHA256 of the purpose under the secret: 32 bytes. */
export function deriveKey(secret: string, purpose: SecretPurpose): Buffer {
  return createHmac('sha256', secret).update(`flotilla/${purpose}`).digest();
}

/** The derived key as a bearer token (base64url, 43 characters). */
export function deriveToken(secret: string, purpose: SecretPurpose): string {
  return deriveKey(secret, purpose).toString('base64url');
}

/** Compares two tokens in time that does not depend on where they differ. */
export function sameToken(given: string, expected: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * The secret of the fleet this process belongs to: the content of `FLOTILLA_SECRET_FILE`, or `FLOTILLA_SECRET`.
 *
 * @throws FlotillaError when neither is set, the file cannot be read, or the secret is shorter than 16 characters.
 */
export function readSecret(environment: NodeJS.ProcessEnv): string {
  const { FLOTILLA_SECRET: value, FLOTILLA_SECRET_FILE: file } = environment;
  if (!value && !file) {
    throw platformError(
      'unauthenticated',
      'this process has no fleet secret: start it with `flotilla up`, or set FLOTILLA_SECRET_FILE',
    );
  }
  let secret = value;
  if (file) {
    try {
      secret = readFileSync(file, 'utf8').trim();
    } catch (cause) {
      throw platformError(
        'unauthenticated',
        `cannot read the fleet secret from ${file}: is the fleet running?`,
        {
          cause,
        },
      );
    }
  }
  if (!secret || secret.length < shortest) {
    throw platformError('unauthenticated', `the fleet secret must have at least ${shortest} characters`);
  }
  return secret;
}
