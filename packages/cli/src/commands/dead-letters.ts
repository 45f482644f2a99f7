import type { Command } from 'commander';
import type { DeadLetter, DeadLetterFilter, MessageOperations, RedriveReport } from 'flotilla/operators';
import type { LetterOptions } from '../dead-letters/letter-filter.ts';
import type { ListedLetter } from '../dead-letters/told-letter.ts';
import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, type Surroundings, withFleetOptions } from './command.ts';
import { parseRate } from './rate.ts';

interface ListOptions extends FleetOptions, LetterOptions {
  readonly lines: string;
}

interface RedriveOptions extends FleetOptions, LetterOptions {
  readonly all?: boolean;
  readonly rate?: string;
  readonly dryRun?: boolean;
}

/** How many a dry run shows; it counts all. */
const SHOWN = 20;

export const declareDeadLetters: Declare = (program, surroundings) => {
  const { terminal } = surroundings;
  const letters = program
    .command('dead-letters')
    .description('messages that a consumer group could not handle, and gave up');

  withFilterOptions(withFleetOptions(letters.command('ls')))
    .description('list dead letters, the latest at the end')
    .option('-n, --lines <count>', 'how many of the last', '100')
    .action((options: ListOptions) => list(options, surroundings));

  withFleetOptions(letters.command('show'))
    .description('show all that is known of a dead letter: error, stack, origin, headers, payload')
    .argument('<letter>', 'its number in the list, or the id of its message')
    .action(async (name: string, options: FleetOptions) => {
      const { namedLetters } = await import('../dead-letters/letter-filter.ts');
      const { tellLetter } = await import('../dead-letters/told-letter.ts');
      const found = await withMessages(options, surroundings, (messages) =>
        collect(messages.deadLetters(namedLetters([name])), tellLetter),
      );
      if (found.length === 0) throw noLetter([name]);
      if (options.json) {
        terminal.out(`${JSON.stringify(found, null, 2)}\n`);
        return;
      }
      const { deadLetterText } = await import('../output/dead-letter-text.ts');
      const now = Date.now();
      terminal.out(found.map((letter) => deadLetterText(letter, now, terminal.paintOut)).join('\n'));
    });

  withFilterOptions(withFleetOptions(letters.command('redrive')))
    .description('give dead letters back to the groups that gave them up')
    .argument('[letter...]', 'numbers or message ids; or say which with --all, --filter, --group, …')
    .option('--all', 'every dead letter')
    .option('--rate <rate>', 'at most so many, such as 50/s (default: as fast as it goes)')
    .option('--dry-run', 'only say which')
    .action((names: readonly string[], options: RedriveOptions) => redrive(names, options, surroundings));
};

function withFilterOptions(command: Command): Command {
  return command
    .option('--group <group>', 'only of this consumer group')
    .option('--service <service>', 'only events of this service')
    .option('--event <event>', 'only this event, such as orders.placed')
    .option('--since <time>', 'only those that died since a time, or so long ago, such as 1h')
    .option(
      '--filter <key=value>',
      'only those with this group, service, event, reason, code, key, id, since or until; may be repeated',
      (value: string, earlier: readonly string[] = []) => [...earlier, value],
    );
}

async function withMessages<T>(
  options: FleetOptions,
  { env, cwd }: Surroundings,
  use: (messages: MessageOperations) => Promise<T>,
): Promise<T> {
  const { whichFleet } = await import('../data/which-fleet.ts');
  const { withBroker } = await import('../streams/broker-session.ts');
  const { MessageOperations } = await import('flotilla/operators');
  return withBroker(whichFleet(options, env, cwd), ({ nats, fleet }) =>
    use(new MessageOperations(nats, fleet)),
  );
}

async function collect<T>(letters: AsyncIterable<DeadLetter>, as: (letter: DeadLetter) => T): Promise<T[]> {
  const found: T[] = [];
  for await (const letter of letters) found.push(as(letter));
  return found;
}

async function list(options: ListOptions, surroundings: Surroundings): Promise<void> {
  const { terminal } = surroundings;
  if (!/^[1-9]\d{0,5}$/.test(options.lines)) {
    throw new Failure('usage', `--lines is "${options.lines}", which is not a number from 1 to 999999`);
  }
  const { letterFilter } = await import('../dead-letters/letter-filter.ts');
  const { listLetter } = await import('../dead-letters/told-letter.ts');
  const { Ring } = await import('../logs/ring.ts');
  const filter = letterFilter(options, Date.now());
  const last = new Ring<ListedLetter>(Number(options.lines));
  const count = await withMessages(options, surroundings, async (messages) => {
    let seen = 0;
    for await (const letter of messages.deadLetters(filter)) {
      last.push(listLetter(letter));
      seen++;
    }
    return seen;
  });
  const shown = last.last(Number(options.lines));
  if (options.json) terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
  else if (count === 0) {
    terminal.talk(Object.keys(filter).length === 0 ? 'no dead letters\n' : 'no such dead letters\n');
  } else await showTable(shown, surroundings);
  if (count > shown.length) terminal.talk(`and ${count - shown.length} before them: --lines shows more\n`);
}

async function redrive(
  names: readonly string[],
  options: RedriveOptions,
  surroundings: Surroundings,
): Promise<void> {
  const { terminal } = surroundings;
  const { dryRun = false, rate, json } = options;
  const { letterFilter, namedLetters } = await import('../dead-letters/letter-filter.ts');
  const { listLetter } = await import('../dead-letters/told-letter.ts');
  const { progress } = await import('../output/progress.ts');
  const { interruption } = await import('./interruption.ts');
  const filter: DeadLetterFilter = { ...letterFilter(options, Date.now()), ...namedLetters(names) };
  if (Object.keys(filter).length === 0 && !options.all) {
    throw new Failure('usage', 'nothing says which dead letters', {
      repair:
        'name some, give --group, --event, --filter key=value, or --all; flotilla dead-letters ls lists them',
    });
  }
  const perSecond = rate === undefined ? undefined : parseRate(rate);
  const shown: ListedLetter[] = [];
  const seen = new Set<string>();
  const tell = progress('redriven', terminal);
  let count = 0;
  const onLetter = (letter: DeadLetter): void => {
    count++;
    seen.add(String(letter.sequence)).add(letter.id);
    if (dryRun && shown.length < SHOWN) shown.push(listLetter(letter));
    tell(count);
  };
  const signal = interruption();
  const report = await withMessages(options, surroundings, (messages) =>
    messages.redrive(filter, { perSecond, dryRun, signal, onLetter }),
  );
  if (json) terminal.out(`${JSON.stringify({ ...report, dryRun })}\n`);
  else {
    if (shown.length > 0) await showTable(shown, surroundings);
    terminal.talk(redriveLine(report, dryRun));
  }
  const missing = report.stopped ? [] : names.filter((name) => !seen.has(name.replace(/^#(?=\d+$)/, '')));
  if (missing.length > 0) throw noLetter(missing);
}

function redriveLine({ letters, groups, stopped }: RedriveReport, dryRun: boolean): string {
  if (letters === 0) return stopped ? 'stopped before the first\n' : 'no such dead letters\n';
  const what = letters === 1 ? '1 dead letter' : `${letters} dead letters`;
  const byGroup = Object.entries(groups)
    .map(([group, count]) => `${group} ${count}`)
    .join(', ');
  const done = dryRun ? 'would be given back' : 'given back';
  return `${stopped ? 'stopped: ' : ''}${what} ${done}: ${byGroup}\n`;
}

async function showTable(letters: readonly ListedLetter[], { terminal }: Surroundings): Promise<void> {
  const { deadLetterTable } = await import('../output/dead-letter-table.ts');
  terminal.out(deadLetterTable(letters, Date.now(), terminal.paintOut, terminal.columns));
}

function noLetter(names: readonly string[]): Failure {
  const what = names.length === 1 ? `no dead letter "${names[0]}"` : `no dead letters ${names.join(', ')}`;
  return new Failure('not_found', `there is ${what}`.replace('is no dead letters', 'are no dead letters'), {
    repair: 'flotilla dead-letters ls lists those that there are; what was redriven is none any more',
  });
}
