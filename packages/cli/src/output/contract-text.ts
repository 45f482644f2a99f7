/** A contract for people: each operation with its route, who may call it, what goes in and what comes out. */

import type { ContractDocument } from 'flotilla';
import { type Paint, plain } from './colour.ts';
import { schemaText } from './schema-text.ts';

type OperationDocument = ContractDocument['operations'][string];

export function contractText(document: ContractDocument, paint: Paint = plain): string {
  const { service, summary, hash, operations, events } = document;
  const lines = [`${paint('bold', service)}  ${paint('dim', `contract ${hash}`)}`];
  if (summary !== undefined) lines.push(summary);
  for (const [name, operation] of Object.entries(operations)) {
    lines.push('', ...operationLines(`${service}.${name}`, operation, paint));
  }
  for (const [name, event] of Object.entries(events)) {
    const key = event.key === undefined ? '' : paint('dim', `  in order by ${event.key}`);
    lines.push('', `${paint('magenta', 'event')} ${paint('bold', `${service}.${name}`)}${key}`);
    if (event.summary !== undefined) lines.push(`  ${event.summary}`);
    lines.push(`  payload  ${schemaText(event.payload)}`);
  }
  return `${lines.join('\n')}\n`;
}

function operationLines(name: string, operation: OperationDocument, paint: Paint): string[] {
  const { summary, http, access, idempotent, priority, key, stream, errors } = operation;
  const traits = [accessText(access)];
  if (idempotent) traits.push('idempotent');
  if (priority !== undefined) traits.push(`${priority} priority`);
  if (key !== undefined) traits.push(`by ${key}`);
  if (stream) traits.push('stream');
  const lines = [`${paint('cyan', 'operation')} ${paint('bold', name)}  ${paint('dim', traits.join(', '))}`];
  if (summary !== undefined) lines.push(`  ${summary}`);
  if (http !== undefined) lines.push(`  http     ${http.method} ${http.path} → ${http.status}`);
  lines.push(`  input    ${schemaText(operation.input)}`);
  lines.push(`  ${stream ? 'items  ' : 'output '}  ${schemaText(operation.output)}`);
  for (const [code, failure] of Object.entries(errors)) {
    lines.push(`  error    ${code} (${failure.status})  ${schemaText(failure.data)}`);
  }
  return lines;
}

function accessText(access: OperationDocument['access']): string {
  return access.kind === 'scopes' ? `needs ${access.scopes.join(' and ')}` : access.kind;
}
