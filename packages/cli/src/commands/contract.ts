import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

export const declareContract: Declare = (program, { terminal, env, cwd }) => {
  const contract = program.command('contract').description('look at contracts');
  withFleetOptions(contract.command('show'))
    .description('print the contract that a running service serves')
    .argument('<service>', 'name of the service')
    .action(async (service: string, options: FleetOptions) => {
      const { asMember, awaitService } = await import('../control/membership.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { contractText } = await import('../output/contract-text.ts');
      const document = await asMember(whichFleet(options, env, cwd), async (membership) => {
        await awaitService(membership, service);
        return membership.member.contract(service);
      });
      terminal.out(
        options.json ? `${JSON.stringify(document, null, 2)}\n` : contractText(document, terminal.paintOut),
      );
    });
};
