/** The outcome of a call as a promise. */
import type { FlotillaError } from '../errors/index.ts';
import type { CallReceiver, CallResult } from './channel.ts';

export class PromisedResult implements CallReceiver {
  readonly promise: Promise<CallResult>;
  readonly #resolve: (result: CallResult) => void;
  readonly #reject: (error: FlotillaError) => void;

  constructor() {
    this.promise = new Promise<CallResult>(captureSettlers);
    this.#resolve = capturedResolve;
    this.#reject = capturedReject;
  }

  succeeded(result: CallResult): void {
    this.#resolve(result);
  }

  failed(error: FlotillaError): void {
    this.#reject(error);
  }
}

// `new Promise` calls its executor at once, so one shared executor hands the settlers over without a closure per call.
let capturedResolve: (result: CallResult) => void;
let capturedReject: (error: FlotillaError) => void;
function captureSettlers(
  resolve: (result: CallResult) => void,
  reject: (error: FlotillaError) => void,
): void {
  capturedResolve = resolve;
  capturedReject = reject;
}
