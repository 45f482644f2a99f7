/** A trace for people: one line per span, with a bar where it lay in time. */

import { type Paint, plain } from '../output/colour.ts';
import { printable } from '../output/printable.ts';
import { milliseconds } from '../output/quantity.ts';
import { table } from '../output/table.ts';
import type { Trace, TracedSpan } from './assemble-trace.ts';

const BAR_WIDTH = 24;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/** They say again what other columns say. */
const TOLD_ELSEWHERE = new Set([
  'error.type',
  'rpc.system.name',
  'rpc.method',
  'http.request.method',
  'http.route',
]);

/** @param columns width of the terminal: what is beyond it is cut off. */
export function waterfall(trace: Trace, paint: Paint = plain, columns = Number.POSITIVE_INFINITY): string {
  const { spans } = trace;
  const instances = new Set(spans.map(({ instance }) => instance));
  const failed = spans.some(({ status }) => status === 'error');
  const facts = [
    new Date(trace.startMs).toISOString(),
    milliseconds(trace.durationMs),
    `${spans.length} ${spans.length === 1 ? 'span' : 'spans'}`,
    `${instances.size} ${instances.size === 1 ? 'process' : 'processes'}`,
  ];
  const head = `${paint('bold', trace.traceId)}  ${facts.join(', ')}${failed ? `, ${paint('red', 'failed')}` : ''}\n`;
  const body = table<TracedSpan>(
    [
      { title: 'START', cell: ({ offsetMs }) => `+${milliseconds(offsetMs)}`, align: 'right' },
      { title: 'DURATION', cell: ({ durationMs }) => milliseconds(durationMs), align: 'right' },
      {
        title: 'WATERFALL',
        cell: (span) => bar(span, trace.durationMs),
        paint: (span, text) => paint(span.status === 'error' ? 'red' : 'blue', text),
      },
      { title: 'PROCESS', cell: ({ instance }) => instance },
      {
        title: 'SPAN',
        cell: ({ depth, name, orphan }) => `${'  '.repeat(depth)}${orphan ? '… ' : ''}${printable(name)}`,
      },
      { title: 'KIND', cell: ({ kind }) => kind },
      {
        title: 'STATUS',
        cell: statusOf,
        paint: (span, text) => (span.status === 'error' ? paint('red', text) : text),
      },
      { title: 'ATTRIBUTES', cell: detailsOf, paint: (_, text) => paint('dim', text) },
    ],
    spans,
    paint,
    columns,
  );
  const foot = spans.some(({ orphan }) => orphan)
    ? paint('dim', '\n… the span above it is not remembered in this fleet\n')
    : '';
  return `${head}\n${body}${foot}`;
}

function statusOf({ status, attributes }: TracedSpan): string {
  const code = attributes['error.type'];
  if (status === 'error') return code === undefined ? 'error' : `error ${code}`;
  return code === undefined ? 'ok' : String(code);
}

function detailsOf(span: TracedSpan): string {
  const { attributes, events, message, startMs, dropped } = span;
  const details = Object.entries(attributes)
    .filter(([key]) => !TOLD_ELSEWHERE.has(key))
    .map(([key, value]) => `${key}=${value}`);
  for (const { name, timeMs, attributes: more } of events) {
    const told = Object.entries(more).map(([key, value]) => ` ${key}=${value}`);
    details.push(`[${name} +${milliseconds(timeMs - startMs)}${told.join('')}]`);
  }
  if (message !== undefined) details.push(JSON.stringify(message));
  if (dropped !== undefined) details.push(`(${dropped} dropped)`);
  return printable(details.join(' '));
}

/** Exact to an eighth of a character; what took no time to speak of is a hair. */
function bar({ offsetMs, durationMs }: TracedSpan, wholeMs: number): string {
  const scale = wholeMs > 0 ? BAR_WIDTH / wholeMs : 0;
  const from = Math.min(Math.floor(offsetMs * scale), BAR_WIDTH - 1);
  const eighths = Math.max(1, Math.round((offsetMs + durationMs) * scale * 8) - from * 8);
  return ' '.repeat(from) + '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}
