/** What the store keeps of a consumer beside its progress. */
import { type ConsumerConfig, readConsumerConfig, showConsumerConfig } from './consumer-config.ts';

export interface StoredConfig {
  readonly config: ConsumerConfig;
  /**
   * For `last_per_subject`: the last sequence of the stream when the consumer was created. Up to there it delivers the
   * last message of each subject only. 0 for others.
   */
  readonly skipsUntil: number;
}

export function showStoredConfig({ config, skipsUntil }: StoredConfig): string {
  return JSON.stringify({ config: showConsumerConfig(config), skipsUntil });
}

/** @param text what `showStoredConfig` returned. */
export function readStoredConfig(text: string): StoredConfig {
  const stored = JSON.parse(text) as { readonly config: unknown; readonly skipsUntil: number };
  return { config: readConsumerConfig(stored.config), skipsUntil: stored.skipsUntil };
}
