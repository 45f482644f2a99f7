/**
 * `run/fleet.json`: what a running supervisor leaves for the other commands, and for the supervisor after it. It is
 * replaced whole, by rename, so that a reader never sees half of it.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { ProcessIdentity } from './process-identity.ts';

export interface FleetUrls {
  readonly gateway?: string;
  readonly openapi?: string;
  /** Without credentials. */
  readonly broker?: string;
  readonly control: string;
}

export interface FleetRecord {
  readonly name: string;
  /** Absolute path of the configuration file. */
  readonly config: string;
  readonly supervisor: ProcessIdentity;
  readonly children: readonly ProcessIdentity[];
  /** Path of the control socket: usually beside this file, elsewhere when that path is too long for a socket. */
  readonly socket: string;
  /** Where members of the fleet connect; with credentials only when NATS_URL has them. Unknown until the broker is ready. */
  readonly natsUrl?: string;
  readonly urls: FleetUrls;
}

export function writeRecord(file: string, record: FleetRecord): void {
  const next = `${file}.next`;
  rmSync(next, { force: true });
  writeFileSync(next, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, file);
}

/** Undefined when there is none, or none that can be understood. */
export function readRecord(file: string): FleetRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The file is ours and private: this tells a record of another version from one of ours, no more. */
function isRecord(value: unknown): value is FleetRecord {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'supervisor' in value &&
    isIdentity(value.supervisor) &&
    'children' in value &&
    Array.isArray(value.children) &&
    value.children.every(isIdentity) &&
    'socket' in value &&
    typeof value.socket === 'string' &&
    'urls' in value &&
    typeof value.urls === 'object' &&
    value.urls !== null
  );
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'pid' in value && typeof value.pid === 'number' && 'started' in value && typeof value.started === 'string'
  );
}
