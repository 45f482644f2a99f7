/** The log that `power-cut.c` keeps, read: which changes no flush has made lasting, in their order. */

export interface ChangedBytes {
  readonly kind: 'bytes';
  /** Inode number. */
  readonly file: number;
  readonly offset: number;
  /** What was there before, as far as there was anything. */
  readonly old: Buffer;
  /** Of the file before, in bytes. */
  readonly size: number;
}

export type ChangedName =
  | { readonly kind: 'created'; readonly path: string }
  | { readonly kind: 'removed'; readonly path: string; readonly kept: string }
  | { readonly kind: 'renamed'; readonly from: string; readonly to: string };

export type Change = ChangedBytes | ChangedName;

const HEADER_BYTES = 48;
const WRITE = 1;
const SYNC = 2;
const LOST = 3;
const CREATE = 4;
const REMOVE = 5;
const RENAME = 6;
const SYNC_DIRECTORY = 7;

/** What a loss of power at the end of this log may take back, oldest first. */
export function changesAtRisk(log: Buffer): Change[] {
  let atRisk: Change[] = [];
  const lost: Change[] = [];
  for (let at = 0; at + HEADER_BYTES <= log.length; ) {
    const kind = log.readUInt32LE(at);
    const firstLength = log.readUInt32LE(at + 4);
    const secondLength = log.readUInt32LE(at + 8);
    const file = Number(log.readBigUInt64LE(at + 16));
    const offset = Number(log.readBigUInt64LE(at + 24));
    const size = Number(log.readBigUInt64LE(at + 32));
    const bytesLength = Number(log.readBigUInt64LE(at + 40));
    const firstAt = at + HEADER_BYTES;
    const bytesAt = firstAt + firstLength + secondLength;
    at = bytesAt + bytesLength;
    // The process may have been killed while it wrote this record: its change has not been made then.
    if (at > log.length) break;
    const first = log.toString('utf8', firstAt, firstAt + firstLength);
    const second = log.toString('utf8', firstAt + firstLength, bytesAt);
    switch (kind) {
      case WRITE:
        atRisk.push({ kind: 'bytes', file, offset, size, old: log.subarray(bytesAt, at) });
        break;
      case SYNC:
        atRisk = atRisk.filter((change) => change.kind !== 'bytes' || change.file !== file);
        break;
      case LOST:
        lost.push(...atRisk.filter((change) => change.kind === 'bytes' && change.file === file));
        atRisk = atRisk.filter((change) => change.kind !== 'bytes' || change.file !== file);
        break;
      case CREATE:
        atRisk.push({ kind: 'created', path: first });
        break;
      case REMOVE:
        atRisk.push({ kind: 'removed', path: first, kept: second });
        break;
      case RENAME:
        atRisk.push({ kind: 'renamed', from: first, to: second });
        break;
      case SYNC_DIRECTORY:
        atRisk = atRisk.filter((change) => change.kind === 'bytes' || !isIn(change, first));
        break;
      default:
        throw new Error(`the undo log has a record of kind ${kind} at ${at}`);
    }
  }
  return [...lost, ...atRisk];
}

/** Whether the flush of the directory makes the change of a name lasting: both directories of a rename count as one. */
function isIn(change: ChangedName, directory: string): boolean {
  const path = change.kind === 'renamed' ? change.to : change.path;
  return path.slice(0, path.lastIndexOf('/')) === directory;
}
