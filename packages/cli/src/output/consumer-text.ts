/** Consumer groups for people: one in a line, or all of one. */

import type { GroupMember, GroupReport, PartitionReport } from 'flotilla/operators';
import { age } from './age.ts';
import { type Paint, plain } from './colour.ts';
import { factLines } from './facts.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/** Others take a member for gone after half of this. */
const SILENT_MS = 10_000;

/** @param now Unix time in milliseconds. */
export function consumerTable(groups: readonly GroupReport[], now: number, paint: Paint = plain): string {
  return table<GroupReport>(
    [
      { title: 'GROUP', cell: ({ group }) => group },
      { title: 'READS', cell: reads },
      { title: 'LAG', cell: ({ lag }) => String(lag), align: 'right' },
      { title: 'OLDEST', cell: ({ oldest }) => ageOf(oldest, now), align: 'right' },
      { title: 'IN FLIGHT', cell: ({ inFlight }) => String(inFlight), align: 'right' },
      {
        title: 'RETRIES',
        cell: ({ retries }) => String(retries),
        align: 'right',
        paint: ({ retries }, text) => (retries > 0 ? paint('yellow', text) : text),
      },
      {
        title: 'DEAD',
        cell: ({ deadLetters }) => String(deadLetters),
        align: 'right',
        paint: ({ deadLetters }, text) => (deadLetters > 0 ? paint('red', text) : text),
      },
      { title: 'GIVEN BACK', cell: ({ givenBack }) => String(givenBack), align: 'right' },
      {
        title: 'MEMBERS',
        cell: (each) => String(membersOf(each, now)),
        align: 'right',
        paint: (each, text) => (membersOf(each, now) === 0 ? paint('red', text) : text),
      },
      { title: 'HOW', cell: ({ kind }) => kind },
    ],
    groups,
    paint,
  );
}

/** What a group reads, by one way or another. */
export function consumerText(report: GroupReport, now: number, paint: Paint = plain): string {
  const { group, stream, lag, oldest, inFlight, retries, deadLetters, givenBack, members, partitions } =
    report;
  const { consumer } = report;
  const how =
    consumer === undefined
      ? `in ${partitions.length === 1 ? '1 partition' : `${partitions.length} partitions`}, each by one member in order`
      : 'as work, each message by any member';
  const nobody = paint('red', 'none: nobody reads');
  const facts = factLines(
    [
      ['reads', `${reads(report)} (${stream}), ${how}`],
      ['lag', `${lag}${oldest === undefined ? '' : `, the oldest ${age(oldest, now)} old`}`],
      ['in flight', String(inFlight)],
      [consumer === undefined ? 'retries' : 'redelivered', String(retries)],
      ['dead letters', deadLetters === 0 ? '0' : paint('red', String(deadLetters))],
      ['given back', `${givenBack}${givenBack === 0 ? '' : ' not handled yet'}`],
      ...(consumer === undefined
        ? [
            [
              'members',
              members.length === 0 ? nobody : members.map((each) => memberText(each, now, paint)).join(', '),
            ] as const,
          ]
        : ([
            [
              'waiting',
              consumer.waiting === 0 && inFlight === 0
                ? nobody
                : `${consumer.waiting} ${consumer.waiting === 1 ? 'request' : 'requests'} for messages`,
            ],
            [
              'consumer',
              `${consumer.name}, handed out to #${consumer.delivered}, done to #${consumer.ackFloor}`,
            ],
          ] as const)),
    ],
    paint,
  );
  const body = partitions.length === 0 ? '' : `\n${partitionTable(partitions, now, paint)}`;
  return `${paint('bold', group)}\n${facts}${body}`;
}

function partitionTable(partitions: readonly PartitionReport[], now: number, paint: Paint): string {
  return table<PartitionReport>(
    [
      { title: 'PARTITION', cell: ({ partition }) => String(partition), align: 'right' },
      {
        title: 'OWNER',
        cell: ({ owner }) => (owner === undefined ? '-' : printable(owner)),
        paint: ({ owner }, text) => (owner === undefined ? paint('red', text) : text),
      },
      { title: 'EPOCH', cell: ({ epoch }) => String(epoch), align: 'right' },
      {
        title: 'CHECKPOINT',
        cell: ({ checkpoint }) => (checkpoint < 0 ? '-' : String(checkpoint)),
        align: 'right',
      },
      { title: 'LAG', cell: ({ lag }) => String(lag), align: 'right' },
      { title: 'OLDEST', cell: ({ oldest }) => ageOf(oldest, now), align: 'right' },
      { title: 'IN FLIGHT', cell: ({ inFlight }) => String(inFlight), align: 'right' },
      { title: 'RETRIES', cell: ({ retries }) => String(retries), align: 'right' },
      { title: 'DEAD', cell: ({ deadLetters }) => String(deadLetters), align: 'right' },
      { title: 'REPORTED', cell: ({ reported }) => ageOf(reported, now), align: 'right' },
    ],
    partitions,
    paint,
  );
}

function reads({ service, event }: GroupReport): string {
  return event === undefined ? service : `${service}.${event}`;
}

/** Members of a group that compete are not known by name: those that wait for messages, or handle some, are there. */
function membersOf({ consumer, members, inFlight }: GroupReport, now: number): number {
  if (consumer !== undefined) return Math.max(consumer.waiting, inFlight > 0 ? 1 : 0);
  return members.filter(({ seen }) => !isSilent(seen, now)).length;
}

function memberText({ instance, seen }: GroupMember, now: number, paint: Paint): string {
  const name = printable(instance);
  return isSilent(seen, now) ? `${name} ${paint('red', `(silent for ${age(seen, now)})`)}` : name;
}

function isSilent(seen: Date, now: number): boolean {
  return now - seen.getTime() > SILENT_MS;
}

function ageOf(time: Date | undefined, now: number): string {
  return time === undefined ? '-' : age(time, now);
}
