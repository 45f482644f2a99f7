/**
 * What the gateway needs from the fleet behind it: the contracts of its services, and calls and streams to them.
 * The gateway knows services only through their contract documents; it imports no contract module.
 */
import type { CallOptions, CallResult, ContractDocument } from 'flotilla';

export interface Upstream {
  /** The last known contract of every service; a service that is down keeps its entry. */
  services(): readonly ContractDocument[];
  /** Calls `listener` after `services()` changed. */
  onChange(listener: () => void): void;
  /** @throws FlotillaError (as a rejection); `unavailable` at once when no instance is alive. */
  call(service: string, operation: string, payload: Uint8Array, options: CallOptions): Promise<CallResult>;
  /** Items as JSON bytes. `return()` cancels at the service; not asking for items holds it back. */
  stream(
    service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): AsyncIterableIterator<Buffer>;
}
