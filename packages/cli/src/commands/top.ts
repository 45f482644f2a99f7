import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';
import { parseDuration } from './duration.ts';

interface TopOptions extends FleetOptions {
  readonly once?: boolean;
  readonly interval: string;
}

const LEAST_INTERVAL_MS = 100;
/** For a terminal: an empty page; to its upper left corner; nothing behind a line, nothing below the last. */
const CLEAR = '\x1b[2J';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

export const declareTop: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('top'))
    .description('show what every process does, again and again until Ctrl-C')
    .option('--once', 'show it once, after one interval')
    .option('--interval <time>', 'time between two looks, such as 500ms', '2s')
    .action(async ({ once, interval, ...options }: TopOptions) => {
      const intervalMs = parseDuration(interval);
      if (intervalMs < LEAST_INTERVAL_MS) {
        throw new Failure('usage', `--interval ${interval} is too short`, { repair: 'give at least 100ms' });
      }
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { loadTable } = await import('../output/load-table.ts');
      const { followLoad } = await import('../top/fleet-load.ts');
      const redraws = terminal.columns !== undefined && !once;
      let frames = 0;
      for await (const load of followLoad(whichFleet(options, env, cwd), intervalMs)) {
        if (options.json) terminal.out(`${JSON.stringify(load)}\n`);
        else {
          const text = loadTable(load, terminal.paintOut);
          if (redraws)
            terminal.out(
              `${frames === 0 ? CLEAR : ''}${HOME}${text.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_BELOW}`,
            );
          else terminal.out(frames === 0 ? text : `\n${text}`);
        }
        frames++;
        if (once) return;
      }
    });
};
