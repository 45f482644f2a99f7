/** One line of a service's log, from what its process wrote: our logger's JSON kept as it is, other text wrapped. */

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface LogEntry {
  /** ISO 8601. */
  readonly time: string;
  readonly level: LogLevel;
  readonly service: string;
  readonly instance: string;
  readonly msg: string;
  /** Whatever else the line carried. */
  readonly [field: string]: unknown;
}

export interface Origin {
  readonly service: string;
  readonly instance: string;
  readonly stream: 'stdout' | 'stderr';
}

const LEVELS: ReadonlySet<string> = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);

/** The entry that a JSON line stands for; undefined when it is no log line. Missing fields are filled in. */
export function parseEntry(line: string, origin: Origin, time: string): LogEntry | undefined {
  if (!line.startsWith('{') || !line.endsWith('}')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('msg' in value || 'level' in value)) return undefined;
  const fields: Record<string, unknown> = { ...value };
  return {
    ...fields,
    time: timeOf(fields.time) ?? time,
    level: levelOf(fields.level),
    // The supervisor knows whose pipe it reads; a line cannot claim to be another service's.
    service: origin.service,
    instance: origin.instance,
    msg: typeof fields.msg === 'string' ? fields.msg : '',
  };
}

/** Text that is no log line, such as a stack trace or a warning of the runtime. */
export function wrapText(text: string, origin: Origin, time: string): LogEntry {
  const { service, instance, stream } = origin;
  return { time, level: stream === 'stderr' ? 'warn' : 'info', service, instance, msg: text };
}

function timeOf(time: unknown): string | undefined {
  if (typeof time === 'string') return time;
  return typeof time === 'number' && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : undefined;
}

/** Names, or pino's numbers (https://getpino.io/#/docs/api?id=level-string). */
function levelOf(level: unknown): LogLevel {
  if (typeof level === 'string' && isLevel(level)) return level;
  if (typeof level !== 'number') return 'info';
  if (level >= 60) return 'fatal';
  if (level >= 50) return 'error';
  if (level >= 40) return 'warn';
  if (level >= 30) return 'info';
  return level >= 20 ? 'debug' : 'trace';
}

function isLevel(level: string): level is LogLevel {
  return LEVELS.has(level);
}
