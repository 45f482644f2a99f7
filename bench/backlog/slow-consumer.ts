import { createBrokerPeer } from '../broker/broker-peer.ts';
import { contenders } from '../broker/contenders.ts';
import type { Handled } from '../broker/peer.ts';
import { processTree } from '../idle/process-tree.ts';
import type { Measured, Scenario, ScenarioOptions } from '../scenario.ts';

const { name, start } = contenders[0]!;
const inFlight = 64;

export const slowConsumer: Scenario = {
  name: 'slow consumer',
  story: `a group that takes 10 messages a second, beside one that takes all, while ${inFlight} publishes are in flight all the time`,
  run,
};

async function run({ seconds, talk }: ScenarioOptions): Promise<Measured[]> {
  const server = await start();
  const [publisher, quick, slow] = [createBrokerPeer(), createBrokerPeer(), createBrokerPeer()];
  const handledIn = async (length: number): Promise<Handled> => {
    const { drive } = await publisher.ask({ type: 'publish', inFlight, seconds: length });
    return (await quick.ask({ type: 'handled', atLeast: drive!.calls })).handled!;
  };
  const rssMiB = () => processTree(server.pid).reduce((sum, process) => sum + process.rssMiB, 0);
  try {
    for (const peer of [publisher, quick, slow]) await peer.ask({ type: 'connect', name, url: server.url });
    await quick.ask({ type: 'consume', group: { name: 'quick' } });
    await handledIn(Math.min(3, seconds));
    const alone = await handledIn(seconds / 4);
    await slow.ask({ type: 'consume', group: { name: 'slow', perSecond: 10 } });
    const before = rssMiB();
    const beside = await handledIn(seconds);
    const grown = rssMiB() - before;
    const behind = (await slow.ask({ type: 'handled', atLeast: 0 })).handled!.messages;
    talk(`  ${beside.messages} messages, of which the slow group took ${behind}`);
    talk(
      `  p50 and p99 of the others: ${alone.p50us} and ${alone.p99us} µs without it, ${beside.p50us} and ${beside.p99us} beside it`,
    );
    await Promise.all([publisher, quick, slow].map((peer) => peer.ask({ type: 'close' })));
    return [
      { what: 'growth of the memory of the broker', value: grown, unit: 'MiB', most: 61, counts: 'worst' },
      {
        what: 'p99 of the other group, with it / without',
        value: beside.p99us / alone.p99us,
        unit: '×',
        most: 2,
      },
      { what: 'messages/s of the other group', value: beside.messages / beside.seconds, unit: 'messages' },
    ];
  } finally {
    for (const peer of [publisher, quick, slow]) peer.kill();
    server.stop();
  }
}
