/** The file of a Unix socket outlives a process that is killed. This tells such a file from a live one. */
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { platformError } from '../errors/index.ts';

/** A live listener answers at once, however busy: the kernel accepts for it. */
const PROBE_MS = 1000;

/**
 * Removes the socket file that a dead process has left at `path`. Throws `conflict` when a live process listens there, or
 * when the file is no socket.
 */
export async function removeStaleSocketFile(path: string): Promise<void> {
  const file = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw platformError('permission_denied', `${path} cannot be looked at (${error.code})`, { cause: error });
  });
  if (file === undefined) return;
  if (!file.isSocket()) {
    throw platformError(
      'conflict',
      `${path} is a file that is no socket: move it away, or choose another path`,
    );
  }
  if (await someoneListens(path)) {
    throw platformError('conflict', `a live process listens on ${path}: stop it, or choose another path`);
  }
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return;
    throw platformError(
      'permission_denied',
      `the stale socket ${path} cannot be removed (${error.code}): remove it`,
      {
        cause: error,
      },
    );
  });
}

/** Only the user that runs the fleet may connect. */
export async function protectSocketFile(path: string): Promise<void> {
  await chmod(path, 0o600);
}

function someoneListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const answer = (listens: boolean) => {
      probe.destroy();
      resolve(listens);
    };
    probe.setTimeout(PROBE_MS, () => answer(true));
    probe.once('connect', () => answer(true));
    // Only a refusal proves that nobody listens; a full queue or a lack of rights does not.
    probe.once('error', (error: NodeJS.ErrnoException) => {
      answer(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
