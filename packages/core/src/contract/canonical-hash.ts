/**
 * The stable hash of a contract: the same for two contracts between which no caller could tell a difference.
 * Documentation, the order of members, properties and enumerations, and the names of shared definitions do not count.
 */
import { createHash } from 'node:crypto';
import { canonicalSchema, canonicalValue, mapObject, valueSet } from './canonical-schema.ts';
import type { ContractDocument, EventDocument, FailureDocument, OperationDocument } from './document.ts';

/** Every field of `T` except documentation: a field added to a document does not compile until it has its form. */
type Form<T> = { readonly [K in Exclude<keyof T, 'summary' | 'description'>]-?: unknown };

/** Sixteen hexadecimal digits of SHA-256 over the canonical form. */
export function canonicalHash(document: Omit<ContractDocument, 'hash' | 'summary'>): string {
  const form: Form<typeof document> = {
    service: document.service,
    operations: mapObject(document.operations, operationForm),
    events: mapObject(document.events, eventForm),
  };
  return createHash('sha256').update(JSON.stringify(form)).digest('hex').slice(0, 16);
}

function operationForm(operation: OperationDocument): Form<OperationDocument> {
  const { access, http } = operation;
  return {
    input: canonicalSchema(operation.input),
    output: canonicalSchema(operation.output),
    stream: operation.stream,
    errors: mapObject(operation.errors, failureForm),
    idempotent: operation.idempotent,
    priority: operation.priority,
    key: operation.key,
    access: canonicalValue(
      access.kind === 'scopes' ? { ...access, scopes: valueSet(access.scopes) } : access,
    ),
    http: http && canonicalValue({ ...http, query: valueSet(http.query) }),
  };
}

function failureForm(failure: FailureDocument): Form<FailureDocument> {
  return { status: failure.status, data: canonicalSchema(failure.data) };
}

function eventForm(event: EventDocument): Form<EventDocument> {
  return { payload: canonicalSchema(event.payload), key: event.key };
}
