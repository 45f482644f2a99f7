/** Finds and imports the configuration file, and checks what only its directory can show: that the entries exist. */

import { existsSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeOf, Failure, messageOf } from '../failure.ts';
import { configIn } from './config-file.ts';
import { isRecord, parseFleet, rawServices } from './fleet.ts';
import { FleetConfigError, type Problem } from './problem.ts';
import type { Fleet } from './schema.ts';

export interface LoadedFleet {
  readonly fleet: Fleet;
  /** Absolute path of the configuration file. */
  readonly file: string;
  /** Its directory: what `entry` is relative to. */
  readonly directory: string;
}

/**
 * @param given Path of the file (or of the directory that has one); default: the one in `cwd`.
 * @throws Failure `invalid_configuration` when it is missing, throws, or describes no valid fleet.
 */
export async function loadFleet(given: string | undefined, cwd: string): Promise<LoadedFleet> {
  const file = locate(given, cwd);
  const directory = dirname(file);
  const shown = relative(cwd, file) || file;
  const exported = await importDefault(file, shown);
  const problems: Problem[] = [];
  let fleet: Fleet | undefined;
  try {
    fleet = parseFleet(exported.value);
  } catch (error) {
    if (!(error instanceof FleetConfigError)) throw error;
    problems.push(...error.problems);
  }
  problems.push(...entryProblems(exported.value, directory));
  if (fleet === undefined || problems.length > 0) {
    throw new FleetConfigError(problems, exported.value, shown);
  }
  return { fleet, file, directory };
}

function locate(given: string | undefined, cwd: string): string {
  if (given === undefined) {
    const found = configIn(cwd);
    if (found !== undefined) return found;
    throw new Failure('invalid_configuration', `there is no flotilla.config.ts in ${cwd}`, {
      repair: 'create one, change to the directory that has it, or name it with --config <file>',
    });
  }
  const path = resolve(cwd, given);
  const stat = statSync(path, { throwIfNoEntry: false });
  const file = stat?.isDirectory() ? configIn(path) : stat && path;
  if (file !== undefined) return file;
  const problem = stat
    ? `there is no flotilla.config.ts in ${path}`
    : `the configuration ${path} does not exist`;
  throw new Failure('invalid_configuration', problem, { repair: 'check the path given with --config' });
}

/** `fleet()` rejects inside the import: its rejected value is taken from there, to report everything at once. */
async function importDefault(file: string, shown: string): Promise<{ value: unknown }> {
  try {
    const module: unknown = await import(pathToFileURL(file).href);
    if (isRecordLike(module) && 'default' in module) return { value: module.default };
  } catch (error) {
    // Matched by name, because an installed fleet may load its own copy of this package.
    if (error instanceof Error && error.name === 'FleetConfigError' && 'rejected' in error) {
      return { value: error.rejected };
    }
    const missing = codeOf(error) === 'ERR_MODULE_NOT_FOUND';
    throw new Failure('invalid_configuration', `${shown} cannot be loaded: ${describe(error)}`, {
      cause: error,
      repair: missing ? 'check its imports, and run npm install' : 'correct the file',
    });
  }
  throw new Failure('invalid_configuration', `${shown} has no default export`, {
    repair: 'write: export default fleet({ name, services })',
  });
}

function isRecordLike(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function describe(error: unknown): string {
  const frame =
    error instanceof Error ? /\((file:.*?:\d+:\d+)\)|at (file:\S+:\d+:\d+)/.exec(error.stack ?? '') : null;
  const where = frame?.[1] ?? frame?.[2];
  return where === undefined ? messageOf(error) : `${messageOf(error)} (at ${where})`;
}

export function entryProblems(config: unknown, directory: string): Problem[] {
  const problems: Problem[] = [];
  for (const [service, settings] of Object.entries(rawServices(config))) {
    if (!isRecord(settings) || typeof settings.entry !== 'string' || settings.entry === '') continue;
    const file = resolve(directory, settings.entry);
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) continue;
    problems.push({
      path: `services.${service}.entry`,
      message: `${file} ${existsSync(file) ? 'is not a file' : 'does not exist'}`,
      repair: 'correct the path; it is relative to the configuration file',
    });
  }
  return problems;
}
