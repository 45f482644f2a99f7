import type { PolicyRules } from 'flotilla/policy-rules';
import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

export const declarePolicy: Declare = (program, { terminal, env, cwd }) => {
  const policy = program
    .command('policy')
    .description('how calls are balanced, limited, retried and broken off');
  const connect = async (options: FleetOptions) => {
    const { connectControl } = await import('../control/client.ts');
    const { whichFleet } = await import('../data/which-fleet.ts');
    return connectControl(whichFleet(options, env, cwd));
  };
  const show = async (
    configured: PolicyRules,
    policies: PolicyRules,
    options: FleetOptions,
  ): Promise<void> => {
    if (options.json) {
      terminal.out(`${JSON.stringify({ configuration: configured, runTime: policies }, null, 2)}\n`);
      return;
    }
    const { policyTable } = await import('../output/policy-table.ts');
    const text = policyTable(configured, policies, terminal.paintOut);
    if (text === undefined)
      terminal.talk('the defaults hold; flotilla explain <service>.<operation> shows them\n');
    else terminal.out(text);
  };

  withFleetOptions(policy.command('set'))
    .description('change settings of the calls to a service while the fleet runs')
    .argument('<selector>', 'ledger, ledger.hold, "risk->ledger.hold", or "*" for all')
    .argument('<setting...>', 'key=value, such as retry.attempts=1 or waitMs=5s; one or more')
    .action(async (selector: string, settings: readonly string[], options: FleetOptions) => {
      const control = await connect(options);
      await control.setPolicy(selector, settings);
      const { configured, policies } = await control.controlDocument();
      await show(configured, policies, options);
    });

  withFleetOptions(policy.command('list'))
    .description('list what differs from the defaults, and why')
    .action(async (options: FleetOptions) => {
      const { configured, policies } = await (await connect(options)).controlDocument();
      await show(configured, policies, options);
    });

  withFleetOptions(policy.command('clear'))
    .description('take back what was set while the fleet runs')
    .argument('[selector]', 'default: everything that was set')
    .argument('[key...]', 'only these settings, such as retry.attempts')
    .action(async (selector: string | undefined, keys: readonly string[], options: FleetOptions) => {
      if (keys.some((key) => key.includes('='))) {
        throw new Failure('usage', 'a setting is taken back by its key alone', {
          repair: 'write for example flotilla policy clear ledger retry.attempts',
        });
      }
      const control = await connect(options);
      await control.clearPolicies(selector, keys);
      const { configured, policies } = await control.controlDocument();
      await show(configured, policies, options);
    });
};
