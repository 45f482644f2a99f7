/** Streams for people, one in a line. */

import type { StreamListing } from '../streams/stream-listing.ts';
import { age } from './age.ts';
import { type Paint, plain } from './colour.ts';
import { printable } from './printable.ts';
import { bytes } from './quantity.ts';
import { table } from './table.ts';

/** @param now Unix time in milliseconds. */
export function streamTable(streams: readonly StreamListing[], now: number, paint: Paint = plain): string {
  return table<StreamListing>(
    [
      { title: 'STREAM', cell: ({ stream }) => printable(stream) },
      { title: 'MESSAGES', cell: ({ messages }) => String(messages), align: 'right' },
      { title: 'BYTES', cell: (each) => bytes(each.bytes), align: 'right' },
      { title: 'FIRST', cell: ({ firstSequence }) => String(firstSequence ?? '-'), align: 'right' },
      { title: 'LAST', cell: ({ lastSequence }) => String(lastSequence || '-'), align: 'right' },
      {
        title: 'OLDEST',
        cell: ({ firstAt }) => (firstAt === null ? '-' : age(firstAt, now)),
        align: 'right',
      },
      { title: 'NEWEST', cell: ({ lastAt }) => (lastAt === null ? '-' : age(lastAt, now)), align: 'right' },
      { title: 'CONSUMERS', cell: ({ consumers }) => String(consumers), align: 'right' },
      { title: 'SUBJECTS', cell: ({ subjects }) => printable(subjects.join(', ')) },
    ],
    streams,
    paint,
  );
}
