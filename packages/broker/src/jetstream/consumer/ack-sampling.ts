/** How long acknowledgements take, told for a part of them: `sample_freq` of the configuration (`30%`, `100`). */
import type { ConsumerConfig } from './consumer-config.ts';

/** Whether this acknowledgement is one to be told of. @param random uniform in [0, 1). */
export function isSampled(config: ConsumerConfig, random: () => number): boolean {
  if (config.sample_freq === '' || config.ack_policy !== 'explicit') return false;
  return random() * 100 < Number.parseInt(config.sample_freq, 10);
}
