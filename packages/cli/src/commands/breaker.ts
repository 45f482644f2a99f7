import type { ResilienceReport } from 'flotilla';
import type { BreakerOrder } from '../steering/steering.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

const ORDERS: readonly [name: string, order: BreakerOrder, description: string][] = [
  ['open', 'open', 'hold the breakers of a service open: calls to it fail at once'],
  ['close', 'closed', 'hold the breakers of a service closed: calls go through whatever happens'],
  ['auto', 'auto', 'let the breakers of a service decide again'],
];

export const declareBreaker: Declare = (program, { terminal, env, cwd }) => {
  const breaker = program.command('breaker').description('circuit breakers, held by hand');
  for (const [name, order, description] of ORDERS) {
    withFleetOptions(breaker.command(name))
      .description(description)
      .argument('<selector>', 'ledger, ledger.hold, "risk->ledger", "risk->ledger.hold"')
      .action(async (selector: string, options: FleetOptions) => {
        const { connectControl } = await import('../control/client.ts');
        const { whichFleet } = await import('../data/which-fleet.ts');
        const control = connectControl(whichFleet(options, env, cwd));
        const held = await control.setBreaker(selector, order);
        if (options.json) terminal.out(`${JSON.stringify({ held }, null, 2)}\n`);
        else terminal.talk(`${outcomeOf(order, selector, held)}\n`);
      });
  }

  withFleetOptions(breaker.command('list'))
    .description('list the breakers that are not closed, or are held, in every calling process')
    .option('--all', 'list the closed ones, too')
    .action(async (options: FleetOptions & { readonly all?: boolean }) => {
      const { AdminPorts } = await import('../admin/admin-ports.ts');
      const { connectControl } = await import('../control/client.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { breakersIn, breakerTable } = await import('../output/breaker-table.ts');
      const { tellSilence } = await import('../output/silence.ts');
      const control = connectControl(whichFleet(options, env, cwd));
      const { answers, silent } = await new AdminPorts(control).askAll<ResilienceReport>(
        await control.instances(),
        '/resilience',
      );
      const breakers = breakersIn(answers).filter(
        ({ state, forced }) => options.all === true || state !== 'closed' || forced,
      );
      if (options.json) terminal.out(`${JSON.stringify(breakers, null, 2)}\n`);
      else if (breakers.length > 0) terminal.out(breakerTable(breakers, terminal.paintOut));
      else if (options.all) terminal.talk('nobody has called anything yet\n');
      else terminal.talk('all breakers are closed\n');
      tellSilence(silent, terminal);
    });
};

function outcomeOf(order: BreakerOrder, selector: string, held: Record<string, string>): string {
  if (order !== 'auto') {
    return `the breakers of ${selector} are held ${order} until flotilla breaker auto ${inShell(selector)}`;
  }
  const still = Object.entries(held).map(([each, state]) => `${each} (${state})`);
  const rest = still.length === 0 ? '' : `; still held: ${still.join(', ')}`;
  return `the breakers of ${selector} decide by themselves${rest}`;
}

/** Without quotes, the arrow of an edge would send the output of the command to a file. */
function inShell(selector: string): string {
  return selector.includes('>') ? `"${selector}"` : selector;
}
