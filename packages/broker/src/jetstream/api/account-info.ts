/** `$JS.API.INFO`: what there is in all. The broker has one account and no limits for it. */
import type { JetStreamContext } from '../context.ts';
import type { ApiRouter } from './api-router.ts';
import type { StreamDirectory } from './stream-directory.ts';

export function registerAccountInfo(
  context: JetStreamContext,
  directory: StreamDirectory,
  router: ApiRouter,
): void {
  context.handle('INFO', 'account_info_response', () => {
    const streams = directory.all();
    const bytesIn = (storage: string): number =>
      streams.reduce((sum, { config, log }) => (config.storage === storage ? sum + log.bytes : sum), 0);
    return {
      memory: bytesIn('memory'),
      storage: bytesIn('file'),
      streams: streams.length,
      consumers: streams.reduce((sum, { consumers }) => sum + consumers.count, 0),
      limits: {
        max_memory: -1,
        max_storage: -1,
        max_streams: -1,
        max_consumers: -1,
        max_ack_pending: -1,
        memory_max_stream_bytes: -1,
        storage_max_stream_bytes: -1,
        max_bytes_required: false,
      },
      api: router.counts,
    };
  });
}
