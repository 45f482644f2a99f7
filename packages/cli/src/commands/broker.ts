import { resolve } from 'node:path';
import { parsePort } from '../config/settings.ts';
import { Failure } from '../failure.ts';
import { type Declare, type FleetOptions, withFleetOptions } from './command.ts';

interface RunOptions {
  readonly port: string;
  readonly host: string;
  readonly token?: string;
  readonly data?: string;
  readonly metricsPort?: string;
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

  withFleetOptions(broker.command('status'))
    .description('show how the broker is: clients, what it stores, commits, damage')
    .action(async (options: FleetOptions) => {
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { withBroker } = await import('../streams/broker-session.ts');
      const { brokerStatus } = await import('../streams/broker-status.ts');
      const status = await withBroker(whichFleet(options, env, cwd), brokerStatus);
      if (options.json) terminal.out(`${JSON.stringify(status, null, 2)}\n`);
      else {
        const { brokerStatusText } = await import('../output/broker-status-text.ts');
        terminal.out(brokerStatusText(status, terminal.paintOut));
      }
    });

  withFleetOptions(broker.command('backup'))
    .description('copy what the broker has stored, also while it runs, and check the copy')
    .argument('<directory>', 'directory to make; nothing is overwritten')
    .action(async (directory: string, options: FleetOptions) => {
      const { backUp } = await import('../backup/backup.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { backupText } = await import('../output/backup-text.ts');
      const named = options.data !== undefined;
      const backup = await backUp(directory, whichFleet(options, env, cwd), named, cwd);
      if (options.json) terminal.out(`${JSON.stringify(backup, null, 2)}\n`);
      else terminal.talk(backupText(backup));
    });

  withFleetOptions(broker.command('restore'))
    .description('put a backup in the place of what the broker has stored, while it does not run')
    .argument('<directory>', 'the backup')
    .action(async (directory: string, options: FleetOptions) => {
      const { restoreBackup } = await import('../backup/restore.ts');
      const { whichFleet } = await import('../data/which-fleet.ts');
      const { restoreText } = await import('../output/backup-text.ts');
      const named = options.data !== undefined;
      const restored = await restoreBackup(directory, whichFleet(options, env, cwd), named, cwd);
      if (options.json) terminal.out(`${JSON.stringify(restored, null, 2)}\n`);
      else terminal.talk(restoreText(restored));
    });

  broker
    .command('run')
    .description('run the embedded broker alone, until Ctrl-C')
    .option('--port <port>', 'port to listen on; 0: any', '8422')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--token <token>', 'token that clients must present, also FLOTILLA_BROKER_TOKEN')
    .option('--no-auth', 'serve everyone who can reach the port')
    .option('--data <directory>', 'directory in which streams are kept; without it they live in memory only')
    .option(
      '--metrics-port <port>',
      'port of /metrics, with the same token; 0: any; without it there is none',
    )
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
      const metricsPort =
        options.metricsPort === undefined ? undefined : parsePort('--metrics-port', options.metricsPort);
      const run = { port: parsePort('--port', options.port), host: options.host, token, data, metricsPort };
      await runBroker(run, (url, metrics) => {
        if (data === undefined) {
          terminal.talk(
            'streams live in memory only, and end with the broker; --data <directory> keeps them\n',
          );
        }
        if (metrics !== undefined) terminal.talk(`metrics on ${metrics}\n`);
        const ready = { type: 'ready', url, ...(metrics === undefined ? {} : { metrics }) };
        terminal.out(options.json ? `${JSON.stringify(ready)}\n` : `broker ready on ${url}\n`);
      });
    });
};
