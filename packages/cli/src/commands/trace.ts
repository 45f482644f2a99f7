import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

interface TraceOptions extends FleetOptions {
  readonly errors?: boolean;
  readonly slow?: boolean;
  readonly recent?: boolean;
  readonly lines: string;
}

export const declareTrace: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('trace'))
    .description('show a trace across all processes, or list those that failed or were slow')
    .argument('[id]', 'trace id: from a log line, an error, or the list')
    .option('--errors', 'list only those that failed')
    .option('--slow', 'list only those that were slow')
    .option('--recent', 'list the latest, notable or not')
    .option('-n, --lines <count>', 'how many to list', '20')
    .action(async (id: string | undefined, options: TraceOptions) => {
      const { errors, slow, recent, lines } = options;
      const reasons = [errors && 'error', slow && 'slow', recent && 'recent'] as const;
      const given = reasons.filter((reason) => typeof reason === 'string');
      if (given.length > 1 || (id !== undefined && given.length > 0)) {
        throw new Failure('usage', 'give one of --errors, --slow and --recent, or a trace id');
      }
      if (!/^[1-9]\d{0,2}$/.test(lines)) {
        throw new Failure('usage', `--lines is "${lines}", which is not a number from 1 to 999`);
      }
      const traceId = id?.toLowerCase();
      if (traceId !== undefined && !/^[0-9a-f]{32}$/.test(traceId)) {
        throw new Failure('usage', `"${id}" is no trace id: it has 32 digits, 0 to 9 and a to f`);
      }
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { tellSilence } = await import('../output/silence.ts');
      const { findTrace, listTraces } = await import('../traces/fleet-traces.ts');
      const found = whichFleet(options, env, cwd);
      if (traceId === undefined) {
        const [reason] = given;
        const { traces, silent } = await listTraces(found, {
          ...(reason && { reason }),
          limit: Number(lines),
        });
        if (options.json) terminal.out(`${JSON.stringify(traces, null, 2)}\n`);
        else if (traces.length > 0) {
          const { traceTable } = await import('../output/trace-table.ts');
          terminal.out(traceTable(traces, terminal.paintOut));
        } else terminal.talk('no trace has failed or was slow; flotilla trace --recent lists the others\n');
        tellSilence(silent, terminal);
        return;
      }
      const { trace, silent } = await findTrace(found, traceId);
      if (options.json) terminal.out(`${JSON.stringify({ ...trace, silent }, null, 2)}\n`);
      else {
        const { waterfall } = await import('../traces/waterfall.ts');
        terminal.out(waterfall(trace, terminal.paintOut, terminal.columns));
      }
      tellSilence(silent, terminal);
    });
};
