/**
 * A broker with a data directory, in a process of its own that can be killed:
 * `node broker-program.ts <port> <data> <durability>`. Says over IPC where it listens; its log goes to standard error.
 */
import { flushCompileCache } from 'node:module';
import { startBroker } from '@flotilla/broker';

const [port, data, durability] = process.argv.slice(2);
process.once('disconnect', () => process.exit());
process.on('message', () => void broker.close().then(() => process.exit()));
const broker = await startBroker({
  port: Number(port),
  credentials: [],
  noAuth: true,
  data: data!,
  durability: durability as 'disk' | 'process',
  log: (level, message, fields) => process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`),
});
process.send!(broker.port);
// It is not going to end in a way that would leave it the time.
flushCompileCache();
