import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

interface RestartOptions extends FleetOptions {
  readonly rolling?: boolean;
}

export const declareRestart: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('restart'))
    .description(
      'restart a service (its replicas one after the other) or an instance, and wait until it is ready',
    )
    .argument('[service]', 'name of a service or of an instance; with --rolling, by default every service')
    .option(
      '--rolling',
      'lose no call: the next has its turn when callers know the one before; stop at the first that fails',
    )
    .action(async (service: string | undefined, options: RestartOptions) => {
      if (service === undefined && options.rolling !== true) {
        throw new Failure('usage', 'nothing is named that should be restarted', {
          repair: 'write flotilla restart <service>, or flotilla restart --rolling for every service',
        });
      }
      const { connectControl } = await import('../control/client.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { fleetTable } = await import('../output/fleet-table.ts');
      const control = connectControl(whichFleet(options, env, cwd));
      if (options.rolling === true) {
        const { rollingRestart } = await import('./rolling-restart.ts');
        await rollingRestart(control, service, options.json === true, terminal);
        if (options.json) return;
      } else {
        await control.restart(service ?? '');
      }
      const restarted = (await control.instances()).filter((each) =>
        service === undefined
          ? each.service !== 'broker' && each.service !== 'gateway'
          : each.service === service || each.instance === service,
      );
      terminal.out(
        options.json ? `${JSON.stringify(restarted, null, 2)}\n` : fleetTable(restarted, terminal.paintOut),
      );
    });
};
