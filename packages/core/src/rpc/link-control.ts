/** What may be done to a connection from outside of it, on purpose: the handle by which faults are injected. */
import type { FlotillaError } from '../errors/index.ts';

export interface LinkControl {
  /**
   * True: nothing is read or sent any more, as if the network had swallowed it. False: what has waited flows on, as TCP
   * does when the network is back. A held connection that this end closes says nothing to the other.
   */
  hold(on: boolean): void;
  /** Cuts the connection as a crash does, with a TCP reset where there is TCP. */
  cut(reason: FlotillaError): void;
}

/**
 * Hears of every connection from its first moment, before the handshake, to its end. Must not throw, and must not cut a
 * connection within `linkOpened`, where its handler does not know it yet.
 */
export interface LinkObserver {
  linkOpened(link: LinkControl): void;
  linkEnded(link: LinkControl): void;
}
