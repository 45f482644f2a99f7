// For the authors of other packages: the parts that can be replaced.
export { GatewayConfig, type GatewayConfigInput, parseGatewayConfig } from './config.ts';
export type {
  CreateDataPlane,
  DataPlane,
  ExchangeHandler,
  HttpExchange,
  HttpResponse,
  ResponseStream,
} from './data-plane/data-plane.ts';
export { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';
export type { Limits } from './limits.ts';
export type { RouteConflict } from './routes.ts';
export type { Upstream } from './upstream.ts';
