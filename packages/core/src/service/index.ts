export { type AdminServer, type AdminServerOptions, startAdminServer } from './admin-server.ts';
export { environmentName, readConfiguration } from './configuration.ts';
export type { Clients, Context, ServiceRuntime, Uses } from './context.ts';
export { trimHeapWhenIdle } from './heap-trimmer.ts';
export { type HostOptions, type RunningService, startService } from './host.ts';
export { type ProcessLifetime, type ProcessMessage, processLifetime } from './process-lifetime.ts';
export { type Handlers, isService, type Service, type ServiceSpec, service } from './service.ts';
