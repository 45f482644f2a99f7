/**
 * What nats-server has and this broker has not: answered with an error that says so, and not with silence. One server
 * has no cluster; backups are made of the whole store, see `Broker.backup`; templates were given up by nats-server too.
 */
import type { JetStreamContext } from '../context.ts';
import { apiError } from './api-error.ts';
import { streamIn } from './request-body.ts';
import type { StreamDirectory } from './stream-directory.ts';

const NOT_HERE = 'not supported by this server';

export function registerUnsupportedApi(context: JetStreamContext, directory: StreamDirectory): void {
  const clustered = {
    'STREAM.PEER.REMOVE': 'stream_remove_peer_response',
    'STREAM.LEADER.STEPDOWN': 'stream_leader_stepdown_response',
    'CONSUMER.LEADER.STEPDOWN': 'consumer_leader_stepdown_response',
  };
  for (const [tokens, type] of Object.entries(clustered)) {
    context.handle(tokens, type, () => {
      throw apiError('clusterRequired');
    });
  }
  context.handle('STREAM.SNAPSHOT', 'stream_snapshot_response', (request) => {
    if (request.body.length === 0) throw apiError('badRequest');
    streamIn(directory, request, 2);
    throw apiError('streamSnapshot', NOT_HERE);
  });
  context.handle('STREAM.RESTORE', 'stream_restore_response', (request) => {
    throw request.body.length === 0 ? apiError('badRequest') : apiError('streamRestore', NOT_HERE);
  });
  context.handle('STREAM.TEMPLATE.CREATE', 'stream_template_create_response', () => {
    throw apiError('streamTemplateCreate', `stream templates are ${NOT_HERE}`);
  });
  context.handle('STREAM.TEMPLATE.NAMES', 'stream_template_names_response', () => ({
    total: 0,
    offset: 0,
    limit: 1024,
    streams: [],
  }));
  for (const verb of ['INFO', 'DELETE']) {
    context.handle(`STREAM.TEMPLATE.${verb}`, `stream_template_${verb.toLowerCase()}_response`, () => {
      throw apiError('templateNotFound');
    });
  }
}
