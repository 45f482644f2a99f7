/** A log entry for people: time, coloured service, coloured level, message, the other fields. */

import { type Colour, type Paint, plain } from '../output/colour.ts';
import type { LogEntry, LogLevel } from './entry.ts';

const LEVEL_COLOURS: Readonly<Record<LogLevel, Colour>> = {
  trace: 'grey',
  debug: 'grey',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
};
const SERVICE_COLOURS: readonly Colour[] = ['cyan', 'magenta', 'blue', 'green', 'yellow'];
/** Said by the prefix, or of no interest to a person. */
const HIDDEN: ReadonlySet<string> = new Set([
  'time',
  'level',
  'service',
  'instance',
  'msg',
  'pid',
  'hostname',
]);

/** @param width Of the instance column, so that messages of all services line up. */
export function prettyEntry(entry: LogEntry, width: number, paint: Paint = plain): string {
  const time = paint('dim', clockTime(entry.time));
  const instance = paint(serviceColour(entry.service), entry.instance.padEnd(width));
  const level = paint(LEVEL_COLOURS[entry.level], entry.level.toUpperCase().padEnd(5));
  const head = `${time} ${instance} ${level}`;
  const fields = otherFields(entry);
  const [first = '', ...rest] = visible(entry.msg).split('\n');
  const lines = [`${head} ${first}${fields.inline === '' ? '' : ` ${paint('dim', fields.inline)}`}`];
  for (const line of [...rest, ...fields.below]) lines.push(`${' '.repeat(9 + width + 7)}${line}`);
  return `${lines.join('\n')}\n`;
}

/** Always the same one for a name, so that a service keeps its colour. */
function serviceColour(service: string): Colour {
  let hash = 0;
  for (const character of service) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return SERVICE_COLOURS[hash % SERVICE_COLOURS.length] ?? 'cyan';
}

function clockTime(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '--:--:--';
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

function otherFields(entry: LogEntry): { inline: string; below: string[] } {
  const inline: string[] = [];
  const below: string[] = [];
  for (const [name, value] of Object.entries(entry)) {
    if (HIDDEN.has(name) || value === undefined) continue;
    const error = errorOf(value);
    if (error?.stack !== undefined) below.push(...stackLines(error));
    else inline.push(`${name}=${visible(shown(error?.message ?? value))}`);
  }
  return { inline: inline.join(' '), below };
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value)
    ? value
    : (JSON.stringify(value) ?? String(value));
}

interface LoggedError {
  readonly message: string;
  /** Not there for an error that tells of the weather and not of a defect. */
  readonly stack: string | undefined;
  readonly cause: unknown;
}

/** Errors are logged as objects with a type or a stack. */
function errorOf(value: unknown): LoggedError | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, message, stack, cause } = value as Record<string, unknown>;
  if (typeof stack === 'string') return { message: String(message), stack, cause };
  return typeof type === 'string' && typeof message === 'string'
    ? { message, stack: undefined, cause }
    : undefined;
}

/** The stack, and below it those of the causes. */
function stackLines({ message, stack = message, cause }: LoggedError): string[] {
  const lines = visible(stack).split('\n');
  const reason = errorOf(cause);
  if (!reason) return lines;
  const [first, ...rest] = stackLines(reason);
  return [...lines, `caused by ${first}`, ...rest];
}

/** A log line must not drive the terminal: control characters are shown, not sent. */
function visible(text: string): string {
  let result = '';
  for (const character of text) {
    const code = character.charCodeAt(0);
    const isControl =
      (code < 0x20 && character !== '\n' && character !== '\t') || (code >= 0x7f && code < 0xa0);
    result += isControl ? `\\x${code.toString(16).padStart(2, '0')}` : character;
  }
  return result;
}
