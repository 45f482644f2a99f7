/**
 * Faults as people write them: a target (`ledger`, `ledger-2`, `risk->ledger.hold`), an effect (`latency=200ms±50`,
 * `error=unavailable:30%`) and a time (`60s`). What is formatted here is read back as the same.
 */
import { platformError } from '../errors/flotilla-error.ts';
import { isPlatformCode, platformCodes } from '../errors/platform-codes.ts';
import {
  DEFAULT_FAULT_MS,
  type FaultEffect,
  type FaultKind,
  type FaultTarget,
  isEdge,
  MAX_FAULT_MS,
  MAX_LATENCY_MS,
  misfit,
} from './fault.ts';

const namePattern = /^[a-z][a-z0-9-]{0,254}$/;
const operationPattern = /^[A-Za-z$][A-Za-z0-9]{0,62}$/;
const edgePattern = /^(.*?)(?:->|→|:)(.*)$/;
/** How instances are called: the service and a number. */
const instancePattern = /^(.+)-\d+$/;

const effectForms = [
  'latency=200ms±50[:30%]',
  'error=unavailable[:30%]',
  'blackhole',
  'reset[:30%]',
  'cpu=80%',
  'pause',
  'kill',
].join(', ');

/**
 * Reads a target. `ledger-2` is an instance of `ledger` unless there is a service of that name; `ledger/main` names an
 * instance that is not called after its service, `ledger-2/*` a service that is called like an instance.
 *
 * @param services the fleet's services, where they are known: any other is then refused.
 * @throws FlotillaError `invalid_argument` that says what a target looks like.
 */
export function parseFaultTarget(text: string, services?: readonly string[]): FaultTarget {
  const edge = edgePattern.exec(text);
  if (!edge) return parseServiceTarget(text, services);
  const [, from = '', rest = ''] = edge;
  const dot = rest.indexOf('.');
  const to = dot === -1 ? rest : rest.slice(0, dot);
  for (const end of [from, to]) {
    if (!namePattern.test(end)) throw noTarget(text);
    requireKnown(serviceOf(end, services), services);
  }
  if (dot === -1) return { from, to };
  const operation = rest.slice(dot + 1);
  if (!operationPattern.test(operation)) throw noTarget(text);
  return { from, to, operation };
}

function parseServiceTarget(text: string, services: readonly string[] | undefined): FaultTarget {
  const slash = text.indexOf('/');
  const service = slash === -1 ? serviceOf(text, services) : text.slice(0, slash);
  if (!namePattern.test(service)) throw noTarget(text);
  requireKnown(service, services);
  if (slash === -1) return service === text ? { service } : { service, instance: text };
  const instance = text.slice(slash + 1);
  if (instance === '*') return { service };
  if (instance === '' || /[\s/]/.test(instance)) throw noTarget(text);
  return { service, instance };
}

/** The service that `name` is, or is an instance of. */
function serviceOf(name: string, services: readonly string[] | undefined): string {
  if (services?.includes(name)) return name;
  return instancePattern.exec(name)?.[1] ?? name;
}

function requireKnown(service: string, services: readonly string[] | undefined): void {
  if (services === undefined || services.includes(service)) return;
  throw invalid(`there is no service '${service}' in this fleet; there are ${services.join(', ')}`);
}

function noTarget(text: string): Error {
  return invalid(
    `'${text}' is not a target: use a service (ledger), an instance (ledger-2), an edge (risk->ledger) or one operation of it (risk->ledger.hold)`,
  );
}

/** Reads what {@link formatFaultTarget} writes. */
export function formatFaultTarget(target: FaultTarget): string {
  if (isEdge(target)) {
    const edge = `${target.from}->${target.to}`;
    return target.operation === undefined ? edge : `${edge}.${target.operation}`;
  }
  const { service, instance } = target;
  if (instance === undefined) return instancePattern.test(service) ? `${service}/*` : service;
  return instancePattern.exec(instance)?.[1] === service ? instance : `${service}/${instance}`;
}

/**
 * Reads what a fault does.
 *
 * @param target what it is meant for, where that is known: a kind that cannot be there is refused.
 * @throws FlotillaError `invalid_argument` that says what is wrong with it and how it is written.
 */
export function parseFaultEffect(text: string, target?: FaultTarget): FaultEffect {
  const { kind, value, rate } = splitEffect(text);
  const problem = target === undefined ? undefined : misfit(kind, target);
  if (problem !== undefined) throw invalid(problem);
  switch (kind) {
    case 'latency':
      return { kind, ...parseLatency(text, value), ...rated(text, rate) };
    case 'error': {
      const code = value ?? 'unavailable';
      if (!isPlatformCode(code)) {
        throw invalid(
          `'${code}' in '${text}' is not a platform code: use one of ${Object.keys(platformCodes).join(', ')}`,
        );
      }
      return { kind, code, ...rated(text, rate) };
    }
    case 'reset':
      refuse(text, 'a value', value);
      return { kind, ...rated(text, rate) };
    case 'cpu':
      refuse(text, 'a rate', rate);
      if (value === undefined) throw invalid(`'${text}' needs the share of a core to burn, such as cpu=80%`);
      return { kind, cpu: parseShare(text, value) };
    default:
      refuse(text, 'a value', value);
      refuse(text, 'a rate', rate);
      return { kind };
  }
}

interface EffectParts {
  readonly kind: FaultKind;
  readonly value: string | undefined;
  readonly rate: string | undefined;
}

const kinds: readonly string[] = [
  'latency',
  'error',
  'blackhole',
  'reset',
  'cpu',
  'pause',
  'kill',
] satisfies FaultKind[];

function splitEffect(text: string): EffectParts {
  const [, kind = '', value, rate] = /^([a-z]+)(?:=([^:]*))?(?::(.*))?$/.exec(text) ?? [];
  if (!kinds.includes(kind)) throw invalid(`'${text}' is not a fault: use ${effectForms}`);
  return { kind: kind as FaultKind, value, rate };
}

function parseLatency(text: string, value: string | undefined): { latencyMs: number; jitterMs?: number } {
  const [, base = '', jitter] = /^(.*?)(?:(?:±|\+-|\+\/-)(.*))?$/.exec(value ?? '') ?? [];
  const latencyMs = parseDuration(base);
  if (latencyMs === undefined) {
    throw invalid(
      `'${text}' needs a time, such as latency=200ms, latency=1.5s or, with jitter, latency=200ms±50`,
    );
  }
  // The jitter's unit is that of the latency unless it has its own.
  const jitterMs =
    jitter === undefined ? undefined : parseDuration(/[a-z]$/.test(jitter) ? jitter : jitter + unitOf(base));
  if (jitter !== undefined && jitterMs === undefined) {
    throw invalid(`the jitter of '${text}' is not a time: write it as latency=200ms±50ms`);
  }
  if (jitterMs !== undefined && jitterMs > latencyMs) {
    throw invalid(`the jitter of '${text}' is larger than its latency: nothing can be answered early`);
  }
  if (latencyMs > MAX_LATENCY_MS) {
    throw invalid(
      `'${text}' is more than ${formatDuration(MAX_LATENCY_MS)}: use blackhole for calls that are never answered`,
    );
  }
  return jitterMs === undefined ? { latencyMs } : { latencyMs, jitterMs };
}

function rated(text: string, rate: string | undefined): { rate?: number } {
  return rate === undefined ? {} : { rate: parseShare(text, rate) };
}

/** `30%`, `0.3` → 0.3. */
function parseShare(text: string, share: string): number {
  const [, digits = '', percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(share) ?? [];
  const value = percent === '%' ? Number(digits) / 100 : Number(digits);
  if (digits === '' || !(value > 0 && value <= 1)) {
    throw invalid(`'${share}' in '${text}' is not a share above 0% and up to 100%: write it as 30%`);
  }
  return value;
}

function refuse(text: string, what: string, given: string | undefined): void {
  if (given === undefined) return;
  const [kind = ''] = text.split(/[=:]/, 1);
  throw invalid(`'${kind}' takes no ${what.replace(/^a /, '')}: '${text}' should be '${kind}'`);
}

/** Reads what {@link formatFaultEffect} writes. */
export function formatFaultEffect(effect: FaultEffect): string {
  switch (effect.kind) {
    case 'latency': {
      const jitter = effect.jitterMs === undefined ? '' : `±${formatDuration(effect.jitterMs)}`;
      return `latency=${formatDuration(effect.latencyMs)}${jitter}${formatRate(effect.rate)}`;
    }
    case 'error':
      return `error=${effect.code}${formatRate(effect.rate)}`;
    case 'reset':
      return `reset${formatRate(effect.rate)}`;
    case 'cpu':
      return `cpu=${formatShare(effect.cpu)}`;
    default:
      return effect.kind;
  }
}

function formatRate(rate: number | undefined): string {
  return rate === undefined ? '' : `:${formatShare(rate)}`;
}

/** As a percentage where that is exact, else as a plain number. */
function formatShare(share: number): string {
  const percent = Math.round(share * 1e6) / 1e4;
  return percent / 100 === share ? `${percent}%` : decimal(share);
}

/**
 * Reads a fault's time to live, `500ms`, `90s`, `5m` or `1h`, as milliseconds. Default {@link DEFAULT_FAULT_MS}.
 *
 * @throws FlotillaError `invalid_argument` for what is no time, or more than {@link MAX_FAULT_MS}.
 */
export function parseFaultTime(text: string | undefined): number {
  if (text === undefined) return DEFAULT_FAULT_MS;
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw invalid(`'${text}' is not a time: use 500ms, 60s, 5m or 1h`);
  if (ms > MAX_FAULT_MS) {
    throw invalid(
      `a fault lasts at most ${formatDuration(MAX_FAULT_MS)}, not ${text}: add it again when it has ended`,
    );
  }
  return ms;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function parseDuration(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * units[unit]!;
}

function unitOf(duration: string): string {
  return /[a-z]+$/.exec(duration)?.[0] ?? '';
}

/** In the largest unit that gives a whole number: `1500ms`, `2s`, `5m`. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    if (ms >= units[unit]! && ms % units[unit]! === 0) return `${ms / units[unit]!}${unit}`;
  }
  return `${decimal(ms)}ms`;
}

/** A number without an exponent, which nobody writes and the parser does not read. */
function decimal(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(20).replace(/0+$/, '').replace(/\.$/, '') : text;
}

function invalid(message: string): Error {
  return platformError('invalid_argument', message);
}
