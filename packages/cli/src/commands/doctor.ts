import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

export const declareDoctor: Declare = (program, { terminal, env, cwd, exitWith }) => {
  withFleetOptions(program.command('doctor'))
    .description('check this machine and the fleet, and say how to repair what is wrong')
    .action(async (options: FleetOptions) => {
      const { examine } = await import('../doctor/examine.ts');
      const { EXIT_STATUS } = await import('../failure.ts');
      const findings = await examine(options, env, cwd);
      const healthy = findings.every((finding) => finding.result !== 'problem');
      if (!healthy) exitWith(EXIT_STATUS.unhealthy);
      if (options.json) {
        terminal.out(`${JSON.stringify({ healthy, checks: findings }, null, 2)}\n`);
        return;
      }
      const marks = {
        ok: ['green', 'ok     '],
        note: ['yellow', 'note   '],
        problem: ['red', 'problem'],
      } as const;
      for (const { check, result, message, repair } of findings) {
        const [colour, mark] = marks[result];
        terminal.out(`${terminal.paintOut(colour, mark)} ${check.padEnd(14)} ${message}\n`);
        if (repair !== undefined) terminal.out(`${' '.repeat(23)}repair: ${repair}\n`);
      }
    });
};
