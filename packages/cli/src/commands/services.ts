import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

export const declareServices: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('services'))
    .description('list the services that discovery sees, their contracts and operations')
    .action(async (options: FleetOptions) => {
      const { listServices } = await import('./list-services.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { table } = await import('../output/table.ts');
      const services = await listServices(whichFleet(options, env, cwd));
      if (options.json) {
        terminal.out(`${JSON.stringify(services, null, 2)}\n`);
        return;
      }
      terminal.out(
        table(
          [
            { title: 'SERVICE', cell: (each) => each.service },
            { title: 'VERSION', cell: (each) => each.version },
            { title: 'CONTRACT', cell: (each) => each.contract },
            { title: 'INSTANCES', cell: (each) => String(each.instances.length), align: 'right' },
            { title: 'OPERATIONS', cell: (each) => each.operations.join(', ') },
          ],
          services,
          terminal.paintOut,
        ),
      );
    });
};
