/** Who may connect: several tokens and user/password pairs at once, so that a secret can be rotated without a gap. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { BrokerError } from './broker-error.ts';

export type Credential = { readonly token: string } | { readonly user: string; readonly password: string };

/** The part of CONNECT that proves who is there. */
export interface PresentedCredential {
  readonly authToken: string;
  readonly user: string;
  readonly pass: string;
}

export interface Authenticator {
  /** Whether CONNECT has to carry a credential at all. */
  readonly required: boolean;
  accepts(presented: PresentedCredential): boolean;
}

/**
 * Compares keyed digests of equal length with every accepted credential, without stopping at the first match, so
 * that the time taken tells nothing about how much of a guess was right.
 *
 * @throws BrokerError `credentials_missing` when there is no credential and `noAuth` does not ask for that.
 */
export function authenticator(credentials: readonly Credential[], noAuth: boolean): Authenticator {
  if (credentials.length === 0) {
    if (!noAuth) {
      throw new BrokerError(
        'credentials_missing',
        'the broker has no credentials and would serve anyone who can reach it',
        'pass credentials: [{ token }] or, if that is meant, noAuth: true',
      );
    }
    return { required: false, accepts: () => true };
  }
  if (noAuth) {
    throw new BrokerError(
      'invalid_option',
      'noAuth: true contradicts the given credentials',
      'remove one of the two',
    );
  }

  const key = randomBytes(32);
  const digest = (kind: string, first: string, second: string): Buffer =>
    createHmac('sha256', key)
      .update(`${kind}\0${Buffer.byteLength(first)}\0${first}\0${second}`)
      .digest();

  const accepted = credentials.map((credential, index) => {
    if (
      'token' in credential ? credential.token === '' : credential.user === '' || credential.password === ''
    ) {
      throw new BrokerError(
        'invalid_option',
        `credentials[${index}] is empty`,
        'give it a value or remove it',
      );
    }
    return 'token' in credential
      ? digest('token', credential.token, '')
      : digest('user', credential.user, credential.password);
  });

  return {
    required: true,
    accepts(presented) {
      const token = digest('token', presented.authToken, '');
      const user = digest('user', presented.user, presented.pass);
      let found = 0;
      for (const candidate of accepted) {
        found |= Number(timingSafeEqual(candidate, token)) | Number(timingSafeEqual(candidate, user));
      }
      return found !== 0;
    },
  };
}
