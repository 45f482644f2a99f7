import type { Declare } from './command.ts';
import type { UpOptions } from './up-options.ts';

export const declareUp: Declare = (program, surroundings) => {
  program
    .command('up')
    .description('start the fleet, and keep it running until Ctrl-C')
    .option('--config <file>', 'fleet configuration (default: flotilla.config.ts here)')
    .option(
      '--data <directory>',
      'data directory, also FLOTILLA_DATA (default: .flotilla beside the configuration)',
    )
    .option(
      '--gateway-port <port>',
      'port of the gateway, also FLOTILLA_GATEWAY_PORT (default: 8080; 0: any)',
    )
    .option('--broker-port <port>', 'port of the broker, also FLOTILLA_BROKER_PORT (default: 8422; 0: any)')
    .option('--host <address>', 'address the gateway listens on (default: 127.0.0.1, this machine only)')
    .option('--detach', 'return when the fleet is ready, and leave it running')
    .option('--json', 'print events as JSON lines')
    .action(async (options: UpOptions) => {
      if (options.detach === true) {
        const { upDetached } = await import('./up-detached.ts');
        return upDetached(options, surroundings);
      }
      const { upInForeground } = await import('./up-foreground.ts');
      return upInForeground(options, surroundings);
    });
};
