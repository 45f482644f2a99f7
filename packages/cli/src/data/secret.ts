/** The fleet secret: what every internal port of the fleet asks for. It lives in one 0600 file, and nowhere else. */

import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Failure } from '../failure.ts';

export const MINIMUM_SECRET_LENGTH = 16;

/**
 * @param given FLOTILLA_SECRET; default: 32 random bytes.
 * @throws Failure `invalid_configuration` for a given secret that is too short or not printable ASCII.
 */
export function establishSecret(file: string, given: string | undefined): string {
  const secret = given === undefined || given === '' ? randomBytes(32).toString('base64url') : checked(given);
  // Removed first: a leftover's mode would survive a plain write.
  rmSync(file, { force: true });
  writeFileSync(file, secret, { mode: 0o600, flag: 'wx' });
  return secret;
}

export function readSecret(file: string): string {
  return readFileSync(file, 'utf8').trim();
}

function checked(secret: string): string {
  const generate = 'use a random one, e.g. from: openssl rand -base64 32; or unset it, and one is generated';
  if (secret.length < MINIMUM_SECRET_LENGTH) {
    throw new Failure(
      'invalid_configuration',
      `FLOTILLA_SECRET has ${secret.length} characters; it needs at least ${MINIMUM_SECRET_LENGTH}`,
      { repair: generate },
    );
  }
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw new Failure(
      'invalid_configuration',
      'FLOTILLA_SECRET has characters that are not printable ASCII',
      {
        repair: generate,
      },
    );
  }
  return secret;
}
