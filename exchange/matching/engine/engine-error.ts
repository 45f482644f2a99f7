/** What can go wrong around the engine. Commands themselves never throw: what they cannot do is in their result. */

export type EngineErrorCode = 'snapshot_format' | 'snapshot_damaged';

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
