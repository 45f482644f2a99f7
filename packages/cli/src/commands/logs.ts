import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

interface LogsOptions extends FleetOptions {
  readonly follow?: boolean;
  readonly lines: string;
}

export const declareLogs: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('logs'))
    .description('print the last log lines of all services or of one (also: gateway, broker, flotilla)')
    .argument('[service]', 'name of the service')
    .option('-f, --follow', 'go on as lines arrive, until Ctrl-C or the end of the fleet')
    .option('-n, --lines <count>', 'how many of the last lines, at most 1000 per service', '100')
    .action(async (service: string | undefined, options: LogsOptions) => {
      if (!/^\d{1,6}$/.test(options.lines)) {
        throw new Failure('usage', `--lines is "${options.lines}", which is not a number`);
      }
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { readLogs } = await import('../logs/read-logs.ts');
      const { prettyEntry } = await import('../logs/pretty.ts');
      const request = {
        lines: Number(options.lines),
        follow: options.follow === true,
        ...(service === undefined ? {} : { service }),
      };
      let width = 0;
      for await (const entry of readLogs(whichFleet(options, env, cwd), request)) {
        width = Math.max(width, entry.instance.length);
        terminal.out(
          options.json ? `${JSON.stringify(entry)}\n` : prettyEntry(entry, width, terminal.paintOut),
        );
      }
    });
};
