import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

interface ExplainOptions extends FleetOptions {
  readonly from?: string;
}

export const declareExplain: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('explain'))
    .description('show how an operation is called: its policy, where each value comes from, its breakers now')
    .argument('<service.operation>', 'for example ledger.hold')
    .option('--from <service>', 'only for calls from this service (default: all that have called it)')
    .action(async (target: string, options: ExplainOptions) => {
      const [, service, operation] = /^([a-z][a-z0-9-]*)\.([A-Za-z]\w*)$/.exec(target) ?? [];
      if (service === undefined || operation === undefined) {
        throw new Failure('usage', `"${target}" names no operation`, { repair: 'write service.operation' });
      }
      const { explainOperation } = await import('../explain/explain-operation.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const query = { service, operation, from: options.from };
      const explanation = await explainOperation(whichFleet(options, env, cwd), query);
      if (options.json) {
        terminal.out(`${JSON.stringify(explanation, null, 2)}\n`);
        return;
      }
      const { explanationText } = await import('../explain/explanation-text.ts');
      const { tellSilence } = await import('../output/silence.ts');
      terminal.out(explanationText(explanation, terminal.paintOut));
      tellSilence(explanation.silent, terminal);
    });
};
