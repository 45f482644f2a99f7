/** Where a client answers a question of the flow control: `$JS.FC.<stream>.<consumer>.<something new>`. */

import { toWireText } from '../../protocol/wire-text.ts';

const FLOW_CONTROL_PREFIX = '$JS.FC.';
const RADIX = 36;
const LENGTH = 4;

/**
 * Makes subjects, each another one.
 *
 * @param consumer its name, as wire text.
 * @param random uniform in [0, 1).
 */
export function flowControlSubjects(stream: string, consumer: string, random: () => number): () => string {
  const prefix = `${FLOW_CONTROL_PREFIX}${toWireText(stream)}.${consumer}.`;
  return () => {
    const unique = Math.floor(random() * RADIX ** LENGTH).toString(RADIX);
    return prefix + unique.padStart(LENGTH, '0');
  };
}
