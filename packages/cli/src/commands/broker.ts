import { resolve } from 'node:path';
import { parsePort } from '../config/settings.ts';
import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

interface RunOptions {
  readonly port: string;
  readonly host: string;
  readonly token?: string;
  readonly data?: string;
  /** Commander's form of `--no-auth`: true unless it is given. */
  readonly auth: boolean;
  readonly json?: boolean;
}

export const declareBroker: Declare = (program, { terminal, env, cwd }) => {
  const broker = program.command('broker').description('the embedded broker');

  withFleetOptions(broker.command('url'))
    .description('print the URL of the fleet’s broker, with credentials, for NATS tools')
    .action(async (options: FleetOptions) => {
      const { connectControl } = await import('../control/client.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { brokerUrl } = await import('./broker-url.ts');
      const url = brokerUrl(connectControl(whichFleet(options, env, cwd)));
      terminal.out(options.json ? `${JSON.stringify({ url })}\n` : `${url}\n`);
    });

  broker
    .command('run')
    .description('run the embedded broker alone, until Ctrl-C')
    .option('--port <port>', 'port to listen on; 0: any', '8422')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--token <token>', 'token that clients must present, also FLOTILLA_BROKER_TOKEN')
    .option('--no-auth', 'serve everyone who can reach the port')
    .option('--data <directory>', 'directory in which streams are kept; without it they live in memory only')
    .option('--json', 'print JSON')
    .action(async (options: RunOptions) => {
      const token = options.token ?? (env.FLOTILLA_BROKER_TOKEN || undefined);
      if (options.auth === (token === undefined)) {
        throw new Failure(
          'usage',
          options.auth ? 'the broker needs a token' : 'a token contradicts --no-auth',
          {
            repair: 'give --token <token> (or FLOTILLA_BROKER_TOKEN), or --no-auth',
          },
        );
      }
      const { runBroker } = await import('./run-broker.ts');
      const data = options.data === undefined ? undefined : resolve(cwd, options.data);
      const run = { port: parsePort('--port', options.port), host: options.host, token, data };
      await runBroker(run, (url) => {
        terminal.out(
          options.json ? `${JSON.stringify({ type: 'ready', url })}\n` : `broker ready on ${url}\n`,
        );
      });
    });
};
