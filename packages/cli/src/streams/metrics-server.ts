/** `GET /metrics` of a process that is no member of a fleet: for a scraper, and nothing else. */
import type { AddressInfo } from 'node:net';
import { expositionTypes, type Metrics, negotiateFormat, sameToken } from 'flotilla';

// Not by `import`: that reads every export, and one of them loads a WebSocket client, 50 ms at each start of a process.
const { createServer } = process.getBuiltinModule('node:http');

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  /** That a scraper has to show as its bearer; undefined: none. */
  readonly token: string | undefined;
  readonly metrics: Metrics;
}

export interface MetricsServer {
  /** Of the metrics. */
  readonly url: string;
  close(): Promise<void>;
}

export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port, token, metrics } = options;
  const server = createServer(({ method, url = '/', headers: { authorization = '', accept } }, response) => {
    const [scheme, given = ''] = authorization.split(' ');
    if (token !== undefined && !(scheme?.toLowerCase() === 'bearer' && sameToken(given, token))) {
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="broker metrics"' }).end();
    } else if (url.split('?')[0] !== '/metrics') response.writeHead(404).end('there is /metrics\n');
    else if (method !== 'GET') response.writeHead(405, { allow: 'GET' }).end();
    else {
      const format = negotiateFormat(accept);
      response.writeHead(200, { 'content-type': expositionTypes[format], vary: 'accept' });
      response.end(metrics.render(format));
    }
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, resolve);
  await promise;
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}/metrics`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
