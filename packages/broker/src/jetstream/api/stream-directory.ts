/** What the API knows of the broker's streams: finding, making and removing them. */
import type { Stream } from '../stream/stream.ts';
import type { StreamConfig } from '../stream/stream-config.ts';

export interface StreamDirectory {
  /** All streams, in the order of their names. */
  all(): Stream[];
  get(name: string): Stream | undefined;
  /** @throws ApiError when it cannot be stored. */
  create(config: StreamConfig): Stream;
  remove(stream: Stream): void;
}
