/** The embedded broker in a process of its own, so that it can be killed: `broker-process.ts <port> <data>`. */
import { startBroker } from '@flotilla/broker';

const [port, data] = process.argv.slice(2);
const broker = await startBroker({ port: Number(port), credentials: [], noAuth: true, data: data! });
process.send?.({ port: broker.port });
process.on('disconnect', () => process.exit(0));
