import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

export const declarePs: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('ps'))
    .description('list the processes of the running fleet')
    .action(async (options: FleetOptions) => {
      const { connectControl } = await import('../control/client.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { fleetTable } = await import('../output/fleet-table.ts');
      const instances = await connectControl(whichFleet(options, env, cwd)).instances();
      terminal.out(
        options.json ? `${JSON.stringify(instances, null, 2)}\n` : fleetTable(instances, terminal.paintOut),
      );
    });
};
