/** An explained operation for people. Callers under the same policy are told together. */

import type { PolicyValue } from 'flotilla';
import { type Paint, plain } from '../output/colour.ts';
import { milliseconds, percent } from '../output/quantity.ts';
import { table } from '../output/table.ts';
import type { CallerBreaker, CallerExplanation, OperationExplanation } from './explain-operation.ts';

export function explanationText(explanation: OperationExplanation, paint: Paint = plain): string {
  const { service, operation, contract, callers } = explanation;
  const { summary, idempotent, stream, priority, key } = contract;
  const facts = [
    idempotent ? 'idempotent' : 'not idempotent',
    ...(stream ? ['a stream'] : []),
    `priority ${priority}`,
    key === null ? 'no key' : `key ${key}`,
  ];
  const head = `${paint('bold', `${service}.${operation}`)}  ${facts.join(', ')}\n${summary === null ? '' : `${summary}\n`}`;
  const groups = Map.groupBy(callers, ({ values }) => JSON.stringify(values));
  return [head, ...[...groups.values()].map((group) => groupText(group, paint))].join('\n');
}

function groupText(group: readonly CallerExplanation[], paint: Paint): string {
  const [first] = group;
  if (first === undefined) return '';
  const names = group.map(({ caller }) => caller).join(', ');
  const idle = group.some(({ calls }) => calls) ? '' : paint('dim', ' (has not called it)');
  const judged = [
    ['retried', first.retry],
    ['hedged', first.hedge],
  ] as const;
  const lines = judged.map(
    ([what, { yes, because }]) =>
      `${what.padEnd(8)} ${paint(yes ? 'green' : 'yellow', yes ? 'yes' : 'no ')}  ${because}\n`,
  );
  const breakers = group.flatMap((each) => each.breakers);
  return [
    `${paint('bold', `called by ${names}`)}${idle}\n`,
    ...lines,
    ...breakers.map((breaker) => breakerLine(breaker, paint)),
    '\n',
    valueTable(first.values, paint),
  ].join('');
}

function breakerLine(breaker: CallerBreaker, paint: Paint): string {
  const { instance, state, forced, calls, failures, slow, slowAfterMs, retryAfterMs, throttled } = breaker;
  const colour = state === 'closed' ? 'green' : state === 'open' ? 'red' : 'yellow';
  const told = [
    `${calls} calls, ${failures} failed, ${slow} slow`,
    ...(slowAfterMs === null ? [] : [`slow is over ${milliseconds(slowAfterMs)}`]),
    ...(forced ? ['held by hand'] : []),
    ...(throttled > 0 ? [`${percent(throttled)} of calls refused there: the service is overloaded`] : []),
    ...(retryAfterMs > 0 ? [`next probe in ${milliseconds(retryAfterMs)}`] : []),
  ];
  return `breaker  ${paint(colour, state.replace('_', '-'))}  of ${instance}: ${told.join(', ')}\n`;
}

function valueTable(values: readonly PolicyValue[], paint: Paint): string {
  return table<PolicyValue>(
    [
      { title: 'SETTING', cell: ({ key }) => key },
      {
        title: 'VALUE',
        cell: ({ value }) => String(value),
        paint: ({ source }, text) => (source === 'default' ? text : paint('cyan', text)),
      },
      { title: 'SOURCE', cell: ({ source }) => source },
      { title: 'SELECTOR', cell: ({ selector }) => selector ?? '' },
    ],
    values,
    paint,
  );
}
