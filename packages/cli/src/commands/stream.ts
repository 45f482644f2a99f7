import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, type Surroundings, withFleetOptions } from './command.ts';
import { parseRate } from './rate.ts';

interface TailOptions extends FleetOptions {
  readonly subject?: string;
  readonly from?: string;
  readonly last?: string;
  readonly since?: string;
  /** Commander's form of `--no-follow`: true unless it is given. */
  readonly follow: boolean;
}

interface ReplayOptions extends FleetOptions {
  readonly from?: string;
  readonly until?: string;
  readonly group?: string;
  readonly rate?: string;
  readonly dryRun?: boolean;
}

const LAST = 10;

export const declareStream: Declare = (program, surroundings) => {
  const { terminal, env, cwd } = surroundings;
  const stream = program.command('stream').description('streams of messages on the broker');

  withFleetOptions(stream.command('ls'))
    .description('list the streams of the broker')
    .action(async (options: FleetOptions) => {
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { withStreams } = await import('../streams/broker-session.ts');
      const { listStreams } = await import('../streams/stream-listing.ts');
      const streams = await withStreams(whichFleet(options, env, cwd), ({ jsm }) => listStreams(jsm));
      if (options.json) terminal.out(`${JSON.stringify(streams, null, 2)}\n`);
      else if (streams.length === 0) {
        terminal.talk(
          'no stream on the broker yet: one appears when a service that declares events starts\n',
        );
      } else {
        const { streamTable } = await import('../output/stream-table.ts');
        terminal.out(streamTable(streams, Date.now(), terminal.paintOut));
      }
    });

  withFleetOptions(stream.command('info'))
    .description('show what a stream keeps, for how long, and who reads it')
    .argument('<stream>', 'name of the stream, or of the service whose events it has')
    .action(async (name: string, options: FleetOptions) => {
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { withStreams } = await import('../streams/broker-session.ts');
      const { reportStream } = await import('../streams/stream-report.ts');
      const report = await withStreams(whichFleet(options, env, cwd), (session) =>
        reportStream(session, name),
      );
      if (options.json) terminal.out(`${JSON.stringify(report, null, 2)}\n`);
      else {
        const { streamText } = await import('../output/stream-text.ts');
        terminal.out(streamText(report, Date.now(), terminal.paintOut));
      }
    });

  withFleetOptions(stream.command('tail'))
    .description('print messages as they come, after the last that were stored')
    .argument('<stream>', 'a stream, a service, or one event such as orders.placed')
    .option('--subject <filter>', 'only subjects that match, with the wildcards * and >')
    .option('--from <position>', 'begin at a sequence, a time, or so long ago')
    .option('--last <count>', `begin with so many of the last messages (default: ${LAST})`)
    .option('--since <time>', 'begin at a time, or so long ago, such as 5m')
    .option('--no-follow', 'end with what is stored')
    .action((name: string, options: TailOptions) => tail(name, options, surroundings));

  withFleetOptions(stream.command('replay'))
    .description('let one consumer group handle stored events once more')
    .argument('<stream>', 'a service or its stream, or one event such as orders.placed')
    .requiredOption('--group <group>', 'the group that gets them, and no other')
    .requiredOption('--from <position>', 'the first: a sequence, a time, or so long ago')
    .option('--until <position>', 'the last (default: what is stored now)')
    .option('--rate <rate>', 'at most so many, such as 100/s (default: as fast as it goes)')
    .option('--dry-run', 'only say how many')
    .action((name: string, options: ReplayOptions) => replay(name, options, surroundings));
};

async function tail(name: string, options: TailOptions, { terminal, env, cwd }: Surroundings): Promise<void> {
  const { from, last, since, follow, subject } = options;
  if ([from, last, since].filter((each) => each !== undefined).length > 1) {
    throw new Failure('usage', 'give one of --from, --last and --since');
  }
  if (last !== undefined && !/^\d{1,6}$/.test(last)) {
    throw new Failure('usage', `--last is "${last}", which is not a number from 0 to 999999`);
  }
  const { parsePosition, parseTime } = await import('../streams/stream-position.ts');
  const now = Date.now();
  const start =
    from !== undefined
      ? parsePosition('--from', from, now)
      : since !== undefined
        ? { time: parseTime('--since', since, now) }
        : { last: Number(last ?? LAST) };
  const { whichFleet } = await import('../data/which-fleet.ts');
  const { withStreams } = await import('../streams/broker-session.ts');
  const { findStream } = await import('../streams/stream-target.ts');
  const { readStream } = await import('../streams/read-stream.ts');
  const { tellOutages } = await import('../streams/tell-outages.ts');
  const { messageText } = await import('../output/message-text.ts');
  const { interruption } = await import('./interruption.ts');
  const signal = interruption();
  await withStreams(whichFleet(options, env, cwd), async ({ nats, jsm, topology }) => {
    void tellOutages(nats, terminal);
    const target = await findStream(jsm, topology, name, subject);
    let count = 0;
    for await (const message of readStream(jsm, { ...target, start, follow }, signal)) {
      count++;
      terminal.out(options.json ? `${JSON.stringify(message)}\n` : messageText(message, terminal.paintOut));
    }
    if (count === 0 && !follow) terminal.talk(`no message there in ${target.info.config.name}\n`);
  });
}

async function replay(
  name: string,
  { from = '', until, group = '', rate, dryRun = false, ...options }: ReplayOptions,
  { terminal, env, cwd }: Surroundings,
): Promise<void> {
  const { parsePosition } = await import('../streams/stream-position.ts');
  const now = Date.now();
  const range = {
    from: parsePosition('--from', from, now),
    until: until === undefined ? undefined : parsePosition('--until', until, now),
  };
  const perSecond = rate === undefined ? undefined : parseRate(rate);
  const { whichFleet } = await import('../data/which-fleet.ts');
  const { withStreams } = await import('../streams/broker-session.ts');
  const { findStream } = await import('../streams/stream-target.ts');
  const { MessageOperations } = await import('flotilla/operators');
  const { progress } = await import('../output/progress.ts');
  const { replayLine } = await import('../output/replay-line.ts');
  const { interruption } = await import('./interruption.ts');
  const signal = interruption();
  const report = await withStreams(whichFleet(options, env, cwd), async ({ nats, jsm, topology, fleet }) => {
    const { info } = await findStream(jsm, topology, name);
    const service = topology.serviceOfStream(info.config.name);
    if (service === undefined) {
      throw new Failure(
        'usage',
        `${info.config.name} has no events of a service: groups cannot be given its messages`,
      );
    }
    const event = name.split('.')[1];
    const onProgress = progress('replayed', terminal);
    const messages = new MessageOperations(nats, fleet);
    return messages.replay({ ...range, group, service, event }, { perSecond, dryRun, signal, onProgress });
  });
  if (options.json) terminal.out(`${JSON.stringify({ ...report, group, dryRun })}\n`);
  else terminal.talk(replayLine(report, group, dryRun));
}
