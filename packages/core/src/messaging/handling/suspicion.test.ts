import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AttemptNote, judge } from './suspicion.ts';

describe('a message that is delivered again', () => {
  it('is innocent when it is known how its last delivery ended', () => {
    assert.equal(judge(1, undefined), 'innocent');
    assert.equal(judge(2, { failed: 1, crashes: 0 }), 'innocent');
    assert.equal(judge(9, { failed: 8, crashes: 2 }), 'innocent');
  });

  it('is suspect when it is not', () => {
    assert.equal(judge(2, undefined), 'suspect');
    assert.equal(judge(3, { failed: 1, crashes: 0 }), 'suspect');
  });

  it('is guilty once it has killed its process three times by itself', () => {
    assert.equal(judge(5, { failed: 0, crashes: 2 }), 'suspect');
    assert.equal(judge(6, { failed: 0, crashes: 3 }), 'guilty');
  });

  it('is found among those that were only there', () => {
    const messages = new Map<number, { deliveries: number; note: AttemptNote | undefined }>();
    for (let n = 1; n <= 8; n++) messages.set(n, { deliveries: 0, note: undefined });
    const killer = 5;
    const convicted: number[] = [];
    for (let life = 0; life < 20 && messages.size > 0; life++) {
      for (const each of messages.values()) each.deliveries += 1;
      const begun = [...messages].filter(
        ([, { deliveries, note }]) => judge(deliveries, note) === 'innocent',
      );
      // All that are innocent run at once: if the killer is among them, none is acknowledged.
      if (begun.some(([n]) => n === killer)) continue;
      for (const [n] of begun) messages.delete(n);
      for (const [n, { deliveries, note }] of [...messages]) {
        if (judge(deliveries, note) === 'guilty') {
          convicted.push(n);
          messages.delete(n);
          continue;
        }
        const crashes = (note?.crashes ?? 0) + 1;
        messages.set(n, { deliveries, note: { failed: 0, crashes } });
        if (n === killer) break;
        messages.delete(n);
      }
    }
    assert.deepEqual(convicted, [killer]);
    assert.equal(messages.size, 0);
  });
});
