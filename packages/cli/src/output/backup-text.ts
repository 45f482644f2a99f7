/** A backup, and a restore, in a few words. */

import type { Backup } from '../backup/backup.ts';
import type { Restored } from '../backup/restore.ts';
import { bytes } from './quantity.ts';

export function backupText(backup: Backup): string {
  return `backed up ${contents(backup)} to ${backup.directory}; every message was read back\n`;
}

export function restoreText(restored: Restored): string {
  const { directory, previous } = restored;
  const kept = previous === undefined ? '' : `what was there before is in ${previous}\n`;
  return `restored ${contents(restored)} to ${directory}\n${kept}`;
}

function contents({
  messages,
  streams,
  bytes: size,
}: Pick<Backup, 'messages' | 'streams' | 'bytes'>): string {
  const what = messages === 1 ? '1 message' : `${messages} messages`;
  return `${what} in ${streams.length === 1 ? '1 stream' : `${streams.length} streams`} (${bytes(size)})`;
}
