export { type AdminServer, type AdminServerOptions, startAdminServer } from './admin-server.ts';
export { environmentName, readConfiguration } from './configuration.ts';
export type { Clients, Context, ServiceRuntime, Speaks, Uses } from './context.ts';
export { type HostOptions, type RunningService, startService } from './host.ts';
export { restWhenIdle } from './idle-process.ts';
export type { MessageContext, TransactionContext } from './message-context.ts';
export { type ProcessLifetime, type ProcessMessage, processLifetime } from './process-lifetime.ts';
export {
  type Handlers,
  isService,
  listen,
  type Service,
  type ServiceSpec,
  service,
  subscribe,
  work,
} from './service.ts';
