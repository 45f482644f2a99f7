/** Enforces an operation's access rule at the edge. */
import type { AccessDocument, EndUser } from 'flotilla';
import { Refusal } from '../refusal.ts';
import { invalidToken, type TokenVerifier } from './token-verifier.ts';

/**
 * The end user that may make this call; undefined for a public operation, for which tokens are not looked at.
 *
 * @param verifier undefined when the gateway is not configured to accept tokens: only public operations work then.
 * @throws Refusal `unauthenticated` or `permission_denied`, each with its challenge (RFC 6750 §3.1).
 */
export async function authorise(
  access: AccessDocument,
  authorization: string | undefined,
  verifier: TokenVerifier | undefined,
): Promise<EndUser | undefined> {
  if (access.kind === 'public') return undefined;
  if (access.kind === 'internal') throw new Refusal('not_found', 'there is no such route');
  if (!verifier) {
    throw new Refusal('unauthenticated', 'this gateway accepts no tokens: its configuration has no `auth`');
  }
  const user = await verifier.verify(bearerToken(authorization));
  if (access.kind === 'scopes') requireScopes(access.scopes, user);
  return user;
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined) {
    throw new Refusal('unauthenticated', 'this operation needs a bearer token in the Authorization header');
  }
  const match = /^bearer +([^ ]+)$/i.exec(authorization);
  if (!match) throw invalidToken("the Authorization header is not 'Bearer <token>'");
  return match[1]!;
}

function requireScopes(needed: readonly string[], user: EndUser): void {
  const missing = needed.filter((scope) => !user.scopes.includes(scope));
  if (missing.length === 0) return;
  const names = missing.map((scope) => `'${scope}'`).join(', ');
  throw new Refusal('permission_denied', `the token does not grant ${names}`, {
    headers: [
      [
        'www-authenticate',
        `Bearer realm="flotilla", error="insufficient_scope", scope="${needed.join(' ')}"`,
      ],
    ],
  });
}
