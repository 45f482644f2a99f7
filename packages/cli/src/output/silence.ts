/** What is missing from an answer that was put together from many processes. */

import type { Silence } from '../admin/admin-ports.ts';
import type { Terminal } from './terminal.ts';

export function tellSilence(silent: readonly Silence[], { talk, paintTalk }: Terminal): void {
  for (const { instance, reason } of silent) {
    talk(`${paintTalk('yellow', 'not heard')}: ${instance}: ${reason}\n`);
  }
}
