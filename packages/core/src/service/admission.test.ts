import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Priority } from '../contract/document.ts';
import { waitFor } from '../testing/wait-for.ts';
import { AdaptiveLimit, type OperationLatency } from './adaptive-limit.ts';
import { Admission, type Waiting } from './admission.ts';
import { AdmissionQueue } from './admission-queue.ts';
import { Starvation } from './starvation.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const forever = Number.POSITIVE_INFINITY;

describe('the admission of a server', () => {
  let now: number;
  let story: string[];
  let admission: Admission;
  let operation: OperationLatency;

  beforeEach(() => {
    now = 1_000;
    story = [];
    start(4);
  });

  /** A limit that stays what it is. The process has all the CPU there is, or as much as `cpuMs` says. */
  function start(limit: number, cpuMs = () => now): void {
    const adaptive = new AdaptiveLimit({ min: limit, start: limit, max: limit });
    admission = new Admission(adaptive, new AdmissionQueue(), () => now, new Starvation(cpuMs));
    operation = admission.operation();
  }

  /** Brings a call that computes for so long, and ends at once or when told. */
  function call(
    name: string,
    options: { ms?: number; priority?: Priority; stays?: boolean; of?: OperationLatency } = {},
  ) {
    const { ms = 0, priority = 'normal', stays = false, of = operation } = options;
    const waiting: Waiting & { wanted: boolean } = {
      operation: of,
      wanted: true,
      isWanted: () => waiting.wanted,
      begin() {
        story.push(name);
        now += ms;
        admission.paused(now);
        if (!stays) admission.leave(of, ms, now);
      },
      turnAway: (reason) => story.push(`${name}: ${reason}`),
    };
    if (admission.enter(of, priority, now)) waiting.begin(now);
    else {
      const refusal = admission.judge(priority, now, forever);
      if (refusal === undefined) admission.wait(waiting, priority, now);
      else waiting.turnAway(refusal, now);
    }
    return waiting;
  }

  it('handles at once what comes while there is room', () => {
    for (const name of ['a', 'b', 'c']) call(name, { stays: true });
    assert.deepEqual(story, ['a', 'b', 'c']);
    assert.equal(admission.inFlight, 3);
  });

  it('lets the event loop turn when handlers have had it for a while', async () => {
    call('a', { ms: 0.6 });
    call('b', { ms: 0.6 });
    call('c');
    assert.deepEqual(story, ['a', 'b']);
    await turn();
    assert.deepEqual(story, ['a', 'b', 'c']);
  });

  it('runs one long handler a turn, however many wait', async () => {
    for (const name of ['a', 'b', 'c']) call(name, { ms: 2 });
    assert.deepEqual(story, ['a']);
    await turn();
    assert.deepEqual(story, ['a', 'b']);
    await turn();
    assert.deepEqual(story, ['a', 'b', 'c']);
  });

  it('knows whether the event loop has turned, however long an answer took to write', async () => {
    call('a', { ms: 2 });
    now += 1;
    call('b', { ms: 2 });
    assert.deepEqual(story, ['a']);
    await turn();
    await turn();
    call('c', { ms: 2 });
    assert.deepEqual(story, ['a', 'b', 'c']);
  });

  it('lets the next one in when a call ends', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) call(name, { stays: true });
    await turn();
    assert.deepEqual(story, ['a', 'b', 'c', 'd']);
    assert.equal(admission.waiting('normal'), 2);
    admission.leave(operation, 5, now);
    await turn();
    assert.deepEqual(story, ['a', 'b', 'c', 'd', 'e']);
  });

  it('lets operations go on while another holds all places', () => {
    const quick = admission.operation();
    const slow = admission.operation();
    for (let n = 1; n <= 8; n++) call(`held ${n}`, { stays: true });
    assert.deepEqual([admission.inFlight, admission.waiting('normal')], [4, 4]);
    for (let n = 1; n <= 20; n++) call('quick', { of: quick, ms: 0.1 });
    assert.equal(story.filter((name) => name === 'quick').length, 20);
    for (let n = 1; n <= 5; n++) call('slow', { of: slow, stays: true });
    assert.deepEqual([admission.inFlight, slow.inFlight, admission.waiting('normal')], [6, 2, 7]);
    admission.close();
  });

  it('does not let them past those who only wait for the event loop to turn', async () => {
    const quick = admission.operation();
    for (let n = 1; n <= 3; n++) call(`computes ${n}`, { ms: 2 });
    call('quick', { of: quick });
    assert.deepEqual(story, ['computes 1']);
    for (let n = 1; n <= 3; n++) await turn();
    assert.deepEqual(story, ['computes 1', 'computes 2', 'computes 3', 'quick']);
  });

  it('keeps room for others from the lowest priority, and some for the highest alone', () => {
    start(8);
    for (let n = 1; n <= 8; n++) call(`b${n}`, { priority: 'background', stays: true });
    assert.equal(admission.inFlight, 6);
    start(8);
    for (let n = 1; n <= 20; n++) call(`n${n}`, { stays: true });
    assert.equal(admission.inFlight, 8);
    start(8);
    for (let n = 1; n <= 20; n++) call(`h${n}`, { priority: 'high', stays: true });
    assert.equal(admission.inFlight, 9);
  });

  it('lets a higher priority overtake', async () => {
    call('a', { ms: 2 });
    call('background', { ms: 2, priority: 'background' });
    call('normal', { ms: 2 });
    call('high', { ms: 2, priority: 'high' });
    for (let n = 0; n < 3; n++) await turn();
    assert.deepEqual(story, ['a', 'high', 'normal', 'background']);
  });

  it('never begins a call whose caller has gone while it waited', async () => {
    call('a', { ms: 2 });
    call('b').wanted = false;
    call('c');
    await turn();
    assert.deepEqual(story, ['a', 'b: gone', 'c']);
    assert.equal(admission.inFlight, 0);
  });

  it('turns away who has waited as long as anybody may, although nothing ends', async () => {
    for (let n = 0; n < 4; n++) call('', { stays: true });
    call('late');
    now += 2_001;
    await waitFor(() => story.includes('late: waited'));
  });

  it('does not count the time in which the process was not let run as waiting', async () => {
    start(4, () => 0);
    for (let n = 0; n < 4; n++) call('', { stays: true });
    call('a');
    now += 60_000;
    call('b');
    await turn();
    await turn();
    assert.deepEqual(story.slice(4), []);
    for (let n = 0; n < 4; n++) admission.leave(operation, 1, now);
    await waitFor(() => story.length === 6);
    assert.deepEqual(story.slice(4), ['a', 'b']);
  });

  it('turns away all who wait when the service stops', () => {
    for (let n = 0; n < 4; n++) call('', { stays: true });
    call('a');
    call('b', { priority: 'high' });
    admission.close();
    assert.deepEqual(new Set(story.slice(4)), new Set(['a: stopping', 'b: stopping']));
  });

  it('takes the place of a handler that goes on for very long after its caller has gone', async () => {
    const lost: string[] = [];
    const hold = (name: string) => ({ losePlace: () => lost.push(name) });
    const finished = admission.overstays(hold('finished'), now);
    admission.overstays(hold('stuck'), now);
    finished.holder = undefined;
    now += 10_001;
    admission.overstays(hold('recent'), now);
    await waitFor(() => lost.length > 0);
    assert.deepEqual(lost, ['stuck']);
    admission.close();
  });
});
