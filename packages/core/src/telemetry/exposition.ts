/**
 * Metrics as text: Prometheus' text format 0.0.4 and OpenMetrics 1.0 (where the two differ: in the names of counters,
 * in escaping, in how a bound is written, and in the end mark). Distributions are shown with classic cumulative
 * buckets whose bounds are powers of two, which are bounds of the exponential buckets at every scale that a range of
 * less than 2^160 needs, so that nothing is estimated.
 */
import { countUpToPowerOfTwo } from './distribution.ts';
import type { ExponentialHistogram } from './exponential-histogram.ts';
import type { Family, Point } from './family.ts';
import { escapeQuoted } from './labels.ts';

export type ExpositionFormat = 'openmetrics' | 'prometheus';

/** The Content-Type of each format. */
export const expositionTypes: Readonly<Record<ExpositionFormat, string>> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
};

/** Exponents of the bucket bounds that are shown, by unit: the same at every scrape, as rates over buckets need it. */
const shownExponents: Readonly<Record<string, readonly [from: number, to: number]>> = {
  seconds: [-17, 6], // 7.6 µs to 64 s
  bytes: [4, 30], // 16 B to 1 GiB
  ratio: [-10, 0],
};
const otherExponents = [0, 20] as const;

/** Which format the `Accept` header of a scrape asks for: OpenMetrics only where it is named and not refused (`q=0`). */
export function negotiateFormat(accept: string | undefined): ExpositionFormat {
  if (accept === undefined) return 'prometheus';
  let openmetrics = 0;
  let text = 0;
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    const version = parameters.find((parameter) => parameter.startsWith('version='))?.slice(8) ?? '1.0.0';
    const weight = Number(quality) || 0;
    if (type === 'application/openmetrics-text' && /^(0\.0\.1|1\.0\.0)$/.test(version))
      openmetrics = Math.max(openmetrics, weight);
    else if (type === 'text/plain') text = Math.max(text, weight);
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'prometheus';
}

export function renderExposition(families: Iterable<Family>, format: ExpositionFormat): string {
  const open = format === 'openmetrics';
  let text = '';
  for (const family of families) {
    const { name, type, unit } = family;
    const total = type === 'counter' ? `${name}_total` : name;
    const described = open ? name : total;
    const help = open ? escapeQuoted(family.help) : escapeHelp(family.help);
    text += `# TYPE ${described} ${type}\n`;
    if (open && unit) text += `# UNIT ${described} ${unit}\n`;
    text += `# HELP ${described} ${help}\n`;
    for (const point of family.points()) {
      text +=
        typeof point.value === 'number'
          ? `${total}${braces(point.key)} ${formatNumber(point.value)}\n`
          : renderHistogram(family, point, point.value, open);
    }
  }
  return open ? `${text}# EOF\n` : text;
}

function renderHistogram(
  { name, unit }: Family,
  { key }: Point,
  histogram: ExponentialHistogram,
  open: boolean,
): string {
  const distribution = histogram.read();
  const [from, to] = shownExponents[unit] ?? otherExponents;
  const prefix = `${name}_bucket{${key ? `${key},` : ''}le="`;
  let text = '';
  for (let exponent = from; exponent <= to; exponent++) {
    const count = countUpToPowerOfTwo(distribution, exponent);
    if (count !== undefined) text += `${prefix}${formatBound(2 ** exponent, open)}"} ${count}\n`;
  }
  text += `${prefix}+Inf"} ${distribution.count}\n`;
  text += `${name}_sum${braces(key)} ${formatNumber(distribution.sum)}\n`;
  return `${text}${name}_count${braces(key)} ${distribution.count}\n`;
}

function braces(key: string): string {
  return key ? `{${key}}` : '';
}

/** OpenMetrics wants a bound to look like a float wherever it is one, `1.0` and not `1`. */
function formatBound(bound: number, open: boolean): string {
  return open && Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
