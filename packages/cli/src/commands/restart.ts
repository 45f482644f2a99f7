import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

export const declareRestart: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('restart'))
    .description(
      'restart a service (its replicas one after the other) or an instance, and wait until it is ready',
    )
    .argument('<service>', 'name of a service or of an instance')
    .action(async (service: string, options: FleetOptions) => {
      const { connectControl } = await import('../control/client.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { fleetTable } = await import('../output/fleet-table.ts');
      const control = connectControl(whichFleet(options, env, cwd));
      await control.restart(service);
      const restarted = (await control.instances()).filter(
        (each) => each.service === service || each.instance === service,
      );
      terminal.out(
        options.json ? `${JSON.stringify(restarted, null, 2)}\n` : fleetTable(restarted, terminal.paintOut),
      );
    });
};
