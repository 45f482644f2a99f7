import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';
import { parseDuration } from './duration.ts';

export interface CallOptions extends FleetOptions {
  readonly user?: string;
  readonly scope?: readonly string[];
  readonly timeout?: string;
}

export const declareCall: Declare = (program, { terminal, env, cwd }) => {
  withFleetOptions(program.command('call'))
    .description('call an operation of a service; a stream prints one JSON line per item')
    .argument('<service.operation>', 'for example reference.markets')
    .argument('[json]', 'input; - reads it from standard input', '{}')
    .option('--user <subject>', 'call on behalf of this end user')
    .option('--scope <scope...>', 'scopes of that end user')
    .option('--timeout <time>', 'deadline, such as 500ms or 5s (default: 10s, none for a stream)')
    .action(async (target: string, json: string, options: CallOptions) => {
      const [, service, operation] = /^([a-z][a-z0-9-]*)\.([A-Za-z]\w*)$/.exec(target) ?? [];
      if (service === undefined || operation === undefined) {
        throw new Failure('usage', `"${target}" names no operation`, { repair: 'write service.operation' });
      }
      if (options.scope !== undefined && options.user === undefined) {
        throw new Failure('usage', '--scope needs --user', { repair: 'say whose scopes they are' });
      }
      const { callOperation, parseInput } = await import('./call-operation.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { user: subject, scope: scopes = [], timeout } = options;
      const request = {
        service,
        operation,
        input: await parseInput(json, process.stdin),
        deadlineMs: timeout === undefined ? undefined : parseDuration(timeout),
        user: subject === undefined ? undefined : { subject, scopes },
      };
      const found = whichFleet(options, env, cwd);
      await callOperation(found, request, (item, streamed) => {
        const compact = streamed || options.json === true;
        terminal.out(`${JSON.stringify(item, null, compact ? undefined : 2) ?? 'null'}\n`);
      });
    });
};
