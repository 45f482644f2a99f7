import type { GroupReport } from 'flotilla/operators';
import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, type Surroundings, withFleetOptions } from './command.ts';

export const declareConsumer: Declare = (program, surroundings) => {
  const { terminal } = surroundings;
  const consumer = program
    .command('consumer')
    .description('consumer groups: who reads which events, and how far');

  withFleetOptions(consumer.command('ls'))
    .description('list consumer groups: lag, oldest message, in flight, retries, dead letters')
    .argument('[name]', 'only this group, or those that read the events of this service')
    .action(async (name: string | undefined, options: FleetOptions) => {
      const all = await groups(options, surroundings);
      const wanted = all.filter(
        ({ group, service }) => name === undefined || group === name || service === name,
      );
      if (name !== undefined && wanted.length === 0) throw noGroup(name, all);
      if (options.json) terminal.out(`${JSON.stringify(wanted, null, 2)}\n`);
      else if (wanted.length === 0) {
        terminal.talk('no consumer group yet: one appears when a service with a subscription starts\n');
      } else {
        const { consumerTable } = await import('../output/consumer-text.ts');
        terminal.out(consumerTable(wanted, Date.now(), terminal.paintOut));
      }
    });

  withFleetOptions(consumer.command('info'))
    .description('show one consumer group: owner, checkpoint and lag of each partition')
    .argument('<group>', 'name of the group')
    .action(async (name: string, options: FleetOptions) => {
      const all = await groups(options, surroundings);
      const wanted = all.filter(({ group }) => group === name);
      if (wanted.length === 0) throw noGroup(name, all);
      if (options.json) {
        terminal.out(`${JSON.stringify(wanted, null, 2)}\n`);
        return;
      }
      const { consumerText } = await import('../output/consumer-text.ts');
      const now = Date.now();
      terminal.out(wanted.map((report) => consumerText(report, now, terminal.paintOut)).join('\n'));
    });
};

async function groups(options: FleetOptions, { env, cwd }: Surroundings): Promise<GroupReport[]> {
  const { whichFleet } = await import('../data/which-fleet.ts');
  const { withBroker } = await import('../streams/broker-session.ts');
  const { MessageOperations } = await import('flotilla/operators');
  return withBroker(whichFleet(options, env, cwd), ({ nats, fleet }) =>
    new MessageOperations(nats, fleet).groups(),
  );
}

function noGroup(name: string, all: readonly GroupReport[]): Failure {
  const known = [...new Set(all.map(({ group }) => group))].sort();
  return new Failure('not_found', `there is no consumer group "${name}" in this fleet`, {
    repair:
      known.length === 0
        ? 'no service of this fleet has a subscription yet'
        : `use one of ${known.join(', ')}`,
  });
}
