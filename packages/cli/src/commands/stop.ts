import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

export const declareStop: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('stop'))
    .description('stop the running fleet, and wait until nothing of it runs')
    .action(async (options: FleetOptions) => {
      const { connectControl } = await import('../control/client.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { awaitEnd } = await import('../control/await-end.ts');
      const control = connectControl(whichFleet(options, env, cwd));
      const { name, supervisor } = control.record;
      await control.stop();
      await awaitEnd(supervisor);
      if (options.json) terminal.out(`${JSON.stringify({ name, pid: supervisor.pid, stopped: true })}\n`);
      else terminal.talk(`stopped ${name}\n`);
    });
};
