import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { errorFromDocument, FlotillaError, platformError, toFlotillaError } from './flotilla-error.ts';

describe('a FlotillaError', () => {
  it('is an Error with a code, data and a hint when to retry', () => {
    const error = new FlotillaError('overloaded', 'too busy', { data: { queue: 9 }, retryAfterMs: 50 });
    assert.ok(error instanceof Error);
    assert.equal(error.name, 'FlotillaError');
    assert.equal(error.message, 'too busy');
    assert.deepEqual([error.code, error.data, error.retryAfterMs], ['overloaded', { queue: 9 }, 50]);
    assert.match(error.stack ?? '', /flotilla-error\.test/);
  });

  it('keeps its cause in this process: the wire form has neither cause nor stack', () => {
    const cause = new TypeError('password is hunter2');
    const error = new FlotillaError('internal', 'failed', { cause });
    assert.equal(error.cause, cause);
    assert.deepEqual(JSON.parse(JSON.stringify(error)), { code: 'internal', message: 'failed' });
    assert.equal('cause' in new FlotillaError('internal', 'failed'), false);
  });

  it('is retryable by its platform code only', () => {
    assert.equal(platformError('unavailable', '').retryable, true);
    assert.equal(platformError('invalid_argument', '').retryable, false);
    assert.equal(new FlotillaError('busy', '', { declared: true }).retryable, false);
    assert.equal(new FlotillaError('toString', '').retryable, false);
  });

  it('survives the wire', () => {
    const options = fc.record(
      { data: fc.jsonValue(), retryAfterMs: fc.nat(), declared: fc.boolean() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), options, (code, message, given) => {
        const sent = new FlotillaError(code, message, given);
        const received = errorFromDocument(JSON.parse(JSON.stringify(sent)));
        assert.deepEqual(received.toJSON(), JSON.parse(JSON.stringify(sent)));
        assert.deepEqual([received.declared, received.retryable], [sent.declared, sent.retryable]);
      }),
    );
  });
});

describe('errorFromDocument', () => {
  it('makes an internal error of what is no error document, and keeps it as the cause', () => {
    for (const document of [undefined, null, 'gone', 5, [], {}, { code: 5, message: 'x' }, { code: 'x' }]) {
      const error = errorFromDocument(document);
      assert.equal(error.code, 'internal');
      assert.equal(error.cause, document);
    }
  });

  it('ignores members of the wrong type', () => {
    const error = errorFromDocument({ code: 'busy', message: 'x', retryAfterMs: 'soon', declared: 'yes' });
    assert.deepEqual([error.retryAfterMs, error.declared], [undefined, false]);
  });
});

describe('toFlotillaError', () => {
  it('passes a FlotillaError on and hides everything else behind `internal`', () => {
    const own = platformError('conflict', 'taken');
    assert.equal(toFlotillaError(own), own);
    for (const thrown of [new Error('select * from secrets'), 'secrets', undefined, null]) {
      const error = toFlotillaError(thrown);
      assert.equal(error.code, 'internal');
      assert.equal(error.cause, thrown);
      assert.doesNotMatch(JSON.stringify(error), /secrets/);
    }
  });
});
