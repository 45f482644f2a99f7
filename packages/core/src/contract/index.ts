export { breaks } from './compatibility.ts';
export {
  type CallError,
  type Contract,
  type ContractEvent,
  type ContractInfo,
  type ContractOperation,
  type ContractOptions,
  contract,
  contractInfo,
  type DeclaredError,
  describe,
  isContract,
} from './contract.ts';
export type * from './document.ts';
export { type Event, type EventSpec, event } from './event.ts';
export type { Member, Members } from './member.ts';
export {
  type Access,
  type Failure,
  type FailureData,
  type Failures,
  failure,
  type HttpBinding,
  type HttpRoute,
  type Operation,
  type OperationSpec,
  operation,
  type Scope,
} from './operation.ts';
export {
  type InputOf,
  isStream,
  jsonSchemaOf,
  type OutputOf,
  parse,
  type Schema,
  type StreamSchema,
  stream,
  validate,
} from './schema.ts';
