/** The broker in a process of its own, so that it can be killed: `node broker-process.ts <port> <token>`. */
import { startBroker } from '@flotilla/broker';

const [port, token] = process.argv.slice(2);
process.on('disconnect', () => process.exit(0));
await startBroker({ port: Number(port), credentials: [{ token: token! }] });
process.send!({ type: 'ready' });
