/**
 * Binds the listeners of an emitter. An emitter calls them in the context of whoever emits (a socket, say); libraries
 * ask for those of a request to run in the context of the request.
 */
import type { EventEmitter } from 'node:events';

type Listener = (...args: unknown[]) => void;
type Bind = (listener: Listener) => Listener;

const adding = ['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'] as const;
const removing = ['off', 'removeListener'] as const;

/** From now on listeners are bound when they are added. Of several bindings the last one counts. */
export function bindEmitter<E extends EventEmitter>(emitter: E, bind: Bind): E {
  const bound = new WeakMap<Listener, Listener>();
  const boundTo = (listener: Listener) => {
    let known = bound.get(listener);
    if (known === undefined) {
      known = bind(listener);
      bound.set(listener, known);
    }
    return known;
  };
  // `once` adds by `on`, and an emitter looks for what `once` wrapped in `listener`: both meet bound listeners only.
  let within = false;
  const replace = (
    name: (typeof adding | typeof removing)[number],
    find: (listener: Listener) => Listener,
  ) => {
    const original = emitter[name];
    Object.defineProperty(emitter, name, {
      configurable: true,
      writable: true,
      value(this: EventEmitter, event: string | symbol, listener: Listener) {
        if (within) return original.call(this, event, listener);
        within = true;
        try {
          return original.call(this, event, find(listener));
        } finally {
          within = false;
        }
      },
    });
  };
  for (const name of adding) replace(name, boundTo);
  for (const name of removing) replace(name, (listener) => bound.get(listener) ?? listener);
  return emitter;
}
