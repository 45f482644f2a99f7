/** The delay in a negative acknowledgement: `{"delay": <ns>}` or Go's notation (`1.5s`) behind `-NAK`. */
import { readGoDuration } from './go-duration.ts';

const NS_PER_MS = 1e6;

/** In ms. Undefined when there is none, or none that can be understood: the message is then delivered at once. */
export function readNakDelay(argument: string): number | undefined {
  const text = argument.trim();
  if (text === '') return undefined;
  const nanoseconds = text.startsWith('{') ? delayOf(text) : readGoDuration(text);
  return nanoseconds === undefined ? undefined : nanoseconds / NS_PER_MS;
}

function delayOf(text: string): number | undefined {
  try {
    const { delay = 0 } = JSON.parse(text) as { readonly delay?: unknown };
    return typeof delay === 'number' && Number.isInteger(delay) ? delay : undefined;
  } catch {
    return undefined;
  }
}
