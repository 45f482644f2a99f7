import type { FaultView } from '../steering/fault-order.ts';
import { type Declare, type FleetOptions, type Surroundings, withFleetOptions } from './command.ts';

interface AddOptions extends FleetOptions {
  readonly for?: string;
}

export const declareFault: Declare = (program, surroundings) => {
  const { terminal, env, cwd } = surroundings;
  const fault = program.command('fault').description('faults that are injected on purpose');
  const connect = async (options: FleetOptions) => {
    const { connectControl } = await import('../control/client.ts');
    const { whichFleet } = await import('../data/which-fleet.ts');
    return connectControl(whichFleet(options, env, cwd));
  };

  withFleetOptions(fault.command('add'))
    .description('inject a fault into a service, an instance or the calls between two services')
    .argument('<target>', 'ledger, ledger-2, "risk->ledger", risk:ledger, "risk->ledger.hold"')
    .argument(
      '<fault...>',
      'latency=200ms±50, error=unavailable:30%, blackhole, reset, cpu=80%, pause, kill; one or more',
    )
    .option('--for <time>', 'how long, such as 500ms, 30s, 5m (default: 60s, at most 1h)')
    .addHelpText('after', EXAMPLES)
    .action(async (target: string, effects: readonly string[], options: AddOptions) => {
      const order = { target, effects, ...(options.for === undefined ? {} : { time: options.for }) };
      await print(await (await connect(options)).addFaults(order), options, surroundings);
    });

  withFleetOptions(fault.command('list'))
    .description('list the faults that hold now')
    .action(async (options: FleetOptions) => {
      await print(await (await connect(options)).faults(), options, surroundings);
    });

  withFleetOptions(fault.command('clear'))
    .description('end a fault, or all')
    .argument('[id]', 'as fault list shows it; default: all')
    .action(async (id: string | undefined, options: FleetOptions) => {
      const ended = await (await connect(options)).clearFaults(id);
      if (options.json) terminal.out(`${JSON.stringify(ended, null, 2)}\n`);
      else if (ended.length === 0) terminal.talk('no fault holds\n');
      else terminal.talk(ended.map((each) => `ended ${each.id}: ${each.fault} on ${each.target}\n`).join(''));
    });
};

const EXAMPLES = `
Examples:
  flotilla fault add ledger latency=200ms±50 --for 30s
  flotilla fault add "risk->ledger.hold" error=unavailable:30%
  flotilla fault add ledger-1 pause --for 10s
  flotilla fault clear
`;

async function print(
  faults: readonly FaultView[],
  options: FleetOptions,
  { terminal }: Surroundings,
): Promise<void> {
  if (options.json) {
    terminal.out(`${JSON.stringify(faults, null, 2)}\n`);
    return;
  }
  if (faults.length === 0) {
    terminal.talk('no fault holds\n');
    return;
  }
  const { faultTable } = await import('../output/fault-table.ts');
  terminal.out(faultTable(faults, Date.now(), terminal.paintOut));
}
