/** A stream for people. */

import { durationText } from '../duration.ts';
import type { StreamContent, StreamReader, StreamReport } from '../streams/stream-report.ts';
import { age, instant } from './age.ts';
import { type Paint, plain } from './colour.ts';
import { factLines } from './facts.ts';
import { printable } from './printable.ts';
import { bytes } from './quantity.ts';
import { table } from './table.ts';

const MOST_CONTENTS = 20;

/** @param now Unix time in milliseconds. */
export function streamText(report: StreamReport, now: number, paint: Paint = plain): string {
  const { stream, description, subjects, messages, created, duplicateWindowMs } = report;
  const { firstSequence, lastSequence, deleted, firstAt, lastAt, storage, replicas } = report;
  const title = `${paint('bold', printable(stream))}${description === null ? '' : `  ${printable(description)}`}\n`;
  const range =
    firstSequence === null
      ? `, the last had sequence ${lastSequence}`
      : `, sequences ${firstSequence} to ${lastSequence}${deleted > 0 ? `, ${deleted} of them removed` : ''}`;
  const at = (time: string | null) => (time === null ? undefined : `${instant(time)} (${age(time, now)})`);
  const facts = factLines(
    [
      ['subjects', printable(subjects.join(', '))],
      ['messages', `${messages}, ${bytes(report.bytes)}${lastSequence === 0 ? '' : range}`],
      ['oldest', at(firstAt)],
      ['newest', at(lastAt)],
      ['keeps', keeps(report)],
      ['storage', `${storage}${replicas > 1 ? `, ${replicas} replicas` : ''}`],
      ['duplicates', `are recognised for ${durationText(duplicateWindowMs)}`],
      ['created', at(created)],
    ],
    paint,
  );
  return [title, facts, contentsText(report.contents, paint), readersText(report.readers, paint)].join('');
}

function keeps({ retention, discard, limits }: StreamReport): string {
  const { messages, ageMs, messagesPerSubject, messageBytes } = limits;
  const until = {
    limits: 'all',
    workqueue: 'what has not been handled',
    interest: 'what a consumer has yet to handle',
  };
  const bounds = [
    ...(ageMs === null ? [] : [durationText(ageMs)]),
    ...(messages === null ? [] : [`${messages} messages`]),
    ...(limits.bytes === null ? [] : [bytes(limits.bytes)]),
    ...(messagesPerSubject === null ? [] : [`${messagesPerSubject} per subject`]),
  ];
  const what = until[retention as keyof typeof until] ?? retention;
  const full = discard === 'new' ? 'then refuses new ones' : 'then the oldest go';
  const bound = bounds.length === 0 ? ', without a limit' : `, at most ${bounds.join(', ')}; ${full}`;
  return `${what}${bound}${messageBytes === null ? '' : `; no message over ${bytes(messageBytes)}`}`;
}

function contentsText(contents: readonly StreamContent[] | null, paint: Paint): string {
  if (contents === null || contents.length === 0) return '';
  const more = contents.length - MOST_CONTENTS;
  const text = table<StreamContent>(
    [
      { title: 'CONTENT', cell: ({ name }) => printable(name) },
      { title: 'MESSAGES', cell: ({ messages }) => String(messages), align: 'right' },
    ],
    contents.slice(0, MOST_CONTENTS),
    paint,
  );
  return `\n${text}${more > 0 ? paint('dim', `and ${more} more\n`) : ''}`;
}

function readersText(readers: readonly StreamReader[], paint: Paint): string {
  if (readers.length === 0) return '';
  const text = table<StreamReader>(
    [
      { title: 'CONSUMER', cell: ({ consumer }) => printable(consumer) },
      { title: 'PENDING', cell: ({ pending }) => String(pending), align: 'right' },
      { title: 'IN FLIGHT', cell: ({ inFlight }) => String(inFlight), align: 'right' },
      { title: 'REDELIVERED', cell: ({ redelivered }) => String(redelivered), align: 'right' },
      { title: 'ACKED TO', cell: ({ ackFloor }) => String(ackFloor || '-'), align: 'right' },
      { title: 'LIFE', cell: ({ durable }) => (durable ? 'durable' : 'ephemeral') },
      { title: 'FILTER', cell: ({ filter }) => printable(filter ?? '') },
    ],
    readers,
    paint,
  );
  return `\n${text}`;
}
