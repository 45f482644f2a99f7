/**
 * The server side of a call: from its arrival to the operation that handles it. The same path serves the wire and the
 * admin port.
 */
import { contractInfo, describe } from '../contract/contract.ts';
import { platformError } from '../errors/flotilla-error.ts';
import { contractOperation } from '../fleet/contract-check.ts';
import type { Dispatch, IncomingCall, Reply } from '../rpc/channel.ts';
import type { CallMetrics } from './call-metrics.ts';
import { type CallEnvironment, HandledCall } from './handled-call.ts';
import { routesOf } from './route.ts';
import type { Service } from './service.ts';

export interface DispatchOptions extends CallEnvironment {
  readonly service: Service;
  readonly calls: CallMetrics;
}

export function createDispatch(options: DispatchOptions): Dispatch {
  const { service, runtime, admission, admissionMetrics, refusals, calls, telemetry } = options;
  const { name } = contractInfo(service.contract);
  const routes = routesOf(service, { admission, calls, tracer: telemetry.tracer });
  const document = Buffer.from(JSON.stringify(describe(service.contract)));
  const describeId = `${name}.${contractOperation}`;

  return function dispatch(call: IncomingCall, reply: Reply): void {
    const route = routes.get(call.operation);
    if (route === undefined) {
      // The platform's own call: answered whatever the load, or callers could not even learn what there is.
      if (call.operation === describeId) reply.value(document);
      else reply.error(unknownOperation(name, runtime.instance, call.operation));
      return;
    }
    const now = performance.now();
    const { priority } = route;
    if (admission.enter(route.latency, priority, now)) {
      new HandledCall(options, route, call, reply, now).begin(now);
      return;
    }
    const refusal = admission.judge(priority, now, call.remainingMs() ?? Number.POSITIVE_INFINITY);
    if (refusal === undefined) {
      admission.wait(new HandledCall(options, route, call, reply, now), priority, now);
      return;
    }
    const error = refusals.error(refusal, admission.expectedWaitMs(priority, now));
    admissionMetrics.refused(priority, refusal);
    route.metrics.refused(error.code);
    reply.error(error);
  };
}

function unknownOperation(service: string, instance: string, operation: string) {
  return platformError('unimplemented', `${service} (${instance}) has no operation '${operation}'`);
}
