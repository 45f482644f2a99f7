/** Where the broker and the gateway of a running fleet are: what was asked for, and from the first time they are ready, what they got. */

import type { Settings } from '../config/settings.ts';
import type { FleetUrls } from '../data/fleet-record.ts';
import type { UnitKind } from '../supervision/plan.ts';
import type { Addresses } from './child-environment.ts';

export class FleetAddresses implements Addresses {
  natsUrl: string | undefined;
  gatewayPort: number;
  brokerPort: number;
  urls: FleetUrls;

  constructor(settings: Settings, controlSocket: string) {
    this.natsUrl = settings.natsUrl;
    this.gatewayPort = settings.gatewayPort;
    this.brokerPort = settings.brokerPort;
    this.urls = {
      control: `unix:${controlSocket}`,
      ...(settings.natsUrl === undefined ? {} : { broker: withoutCredentials(settings.natsUrl) }),
    };
  }

  /** Keeps the port for every later start of the process, even where any free one was asked for. */
  learn(kind: UnitKind, url: string): void {
    const port = Number(new URL(url).port);
    if (kind === 'broker') {
      this.natsUrl = url;
      this.brokerPort = port;
      this.urls = { ...this.urls, broker: url };
    } else if (kind === 'gateway') {
      this.gatewayPort = port;
      this.urls = { ...this.urls, gateway: url, openapi: new URL('/openapi.json', url).href };
    }
  }
}

/** NATS_URL may name several servers. */
function withoutCredentials(urls: string): string {
  return urls
    .split(',')
    .map((each) => {
      const url = new URL(each.trim());
      return `${url.protocol}//${url.host}`;
    })
    .join(',');
}
