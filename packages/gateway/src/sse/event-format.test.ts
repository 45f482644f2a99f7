import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readEvents } from '../testing/event-reader.ts';
import { errorEvent, eventFormatter, heartbeat, reconnectAfter } from './event-format.ts';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('an item', () => {
  it('is the data of one event, byte for byte', () => {
    assert.equal(eventFormatter(undefined)(Buffer.from('{"a": 1.00}')), 'data: {"a": 1.00}\n\n');
  });

  it('names its event and id where the contract binds fields to them', () => {
    const format = eventFormatter({ event: 'kind', id: 'sequence' });
    assert.equal(
      format(bytes({ kind: 'trade', sequence: 7 })),
      'id: 7\nevent: trade\ndata: {"kind":"trade","sequence":7}\n\n',
    );
    assert.equal(format(bytes({ other: 1 })), 'data: {"other":1}\n\n');
    assert.equal(format(bytes(null)), 'data: null\n\n');
  });

  it('cannot break out of its event', () => {
    const format = eventFormatter({ event: 'kind', id: 'sequence' });
    const injection = 'x\ndata: forged\n\nevent: admin';
    assert.equal(readEvents(format(bytes({ kind: injection, sequence: 'a\0b' }))).length, 1);
    assert.equal(readEvents(format(Buffer.from('{\r"kind":\n"a"\r\n}'))).length, 1);
  });

  it('reads back as it was', () => {
    const format = eventFormatter({ event: 'kind', id: 'sequence' });
    const item = fc.record({
      kind: fc.stringMatching(/^[a-z]+$/),
      sequence: fc.nat(),
      value: fc.jsonValue(),
    });
    fc.assert(
      fc.property(fc.array(item), fc.boolean(), (items, pretty) => {
        const text = items
          .map((value) => format(Buffer.from(JSON.stringify(value, null, pretty ? 2 : 0))) + heartbeat)
          .join('');
        const events = readEvents(reconnectAfter(5) + text);
        assert.deepEqual(
          events.map(({ id, event, data }) => [id, event, JSON.parse(data)]),
          items.map((value) => [String(value.sequence), value.kind, JSON.parse(JSON.stringify(value))]),
        );
      }),
    );
  });

  it('of an error is an event of that name', () => {
    assert.deepEqual(readEvents(errorEvent({ code: 'internal' })), [
      { id: '', event: 'error', data: '{"code":"internal"}' },
    ]);
  });
});
