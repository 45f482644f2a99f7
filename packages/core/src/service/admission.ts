/**
 * Who may be handled now: a server's protection of itself. A call runs at once while the server has room, waits its turn
 * where that is short, and is refused before anything of it is decoded where it is not.
 *
 * There are two kinds of room. An adaptive limit bounds the calls handled at a time. And because a handler that only
 * computes never lets there be two at a time, however many have come, handlers get the event loop for a moment only:
 * then it turns, what has arrived meanwhile is read, and refused while the refusal is still early.
 *
 * Hot path: a call that runs at once costs a few comparisons, no allocation and no clock of its own (measured: 10 to 20 ns); a refusal costs
 * 0.35 µs here, and no encoding.
 */
import type { Priority } from '../contract/document.ts';
import { AdaptiveLimit, type OperationLatency } from './adaptive-limit.ts';
import { AdmissionQueue, type Refusal } from './admission-queue.ts';
import { CpuShare } from './cpu-share.ts';
import { Line } from './line.ts';
import { Starvation } from './starvation.ts';

/** A call that can wait. */
export interface Waiting {
  readonly operation: OperationLatency;
  /** Whether somebody still waits for the answer. */
  isWanted(now: number): boolean;
  /** Its turn has come: it counts as handled until `leave`. Must not throw. */
  begin(now: number): void;
  /** Its turn will not come. */
  turnAway(reason: Refusal | 'gone', now: number): void;
}

/** A call that is over, whose handler still keeps its place. */
export interface Holding {
  /** Its place is given to another. */
  losePlace(now: number): void;
}

/** Where a call that overstays is kept: not itself, so that nothing of it is, once its handler has finished. */
export interface Overstay {
  holder: Holding | undefined;
}

/** Handlers have the event loop for so long before it turns. */
const turnMs = 1;
/** The same for calls that have a place of their own: while others wait for theirs there is little else to do. */
const mostTurnMs = 10;
/** So long after the limit has been reached there may still be some who have waited because of it. */
const drainMs = 250;
/** How often those who wait are looked through. */
const tickMs = 10;

/**
 * How long a handler may keep its place after its caller has gone. One that never finishes (it ignores its signal and
 * waits for ever) would otherwise take a place for good, and a few of those the whole service.
 */
const overstayMs = 10_000;
const overstayTickMs = 1_000;

/**
 * What each operation may have beyond the limit when others hold all places: handlers that wait for a dependency would else
 * take the whole service with them, also those who do not need it.
 */
const ownShare = 0.125;
const fewestOwn = 2;

/** A process that uses less of a core than this does not have too much to do. */
const busyShare = 0.25;

/** The lowest priority leaves room for the others, and the highest has some of its own. */
const backgroundShare = 0.75;
const highShare = 1.125;

export class Admission {
  /** Calls being handled. */
  inFlight = 0;
  readonly #limit: AdaptiveLimit;
  readonly #queue: AdmissionQueue<Waiting>;
  readonly #clock: () => number;
  readonly #starvation: Starvation;
  readonly #cpu: CpuShare;
  readonly #drain = () => this.#runWaiting();
  readonly #tick = () => this.#lookThrough();
  readonly #turned = () => this.#beginTurn();
  /** How long handlers have had the event loop since it turned. Reset only where that matters: light work costs no timer. */
  #spentMs = 0;
  /** When the handler that has it now began; Infinity: none. */
  #handlingSince = Number.POSITIVE_INFINITY;
  #awaitsTurn = false;
  #isScheduled = false;
  /** When somebody last came who had to wait because of the limit. */
  #fullAt = Number.NEGATIVE_INFINITY;
  #ticker: NodeJS.Timeout | undefined;
  /** In the order in which they lose their places. */
  readonly #overstaying = new Line<Overstay>();
  #overstayTicker: NodeJS.Timeout | undefined;

  constructor(
    limit: AdaptiveLimit = new AdaptiveLimit(),
    queue: AdmissionQueue<Waiting> = new AdmissionQueue(),
    clock: () => number = () => performance.now(),
    starvation: Starvation = new Starvation(),
    cpu: CpuShare = new CpuShare(),
  ) {
    this.#limit = limit;
    this.#queue = queue;
    this.#clock = clock;
    this.#starvation = starvation;
    this.#cpu = cpu;
  }

  /** Calls that may be handled at a time. */
  get limit(): number {
    return this.#limit.limit;
  }

  waiting(priority: Priority): number {
    return this.#queue.waiting(priority);
  }

  expectedWaitMs(priority: Priority, now: number): number {
    return this.#queue.expectedWaitMs(priority, this.#queueTime(now));
  }

  /** True: the call runs now, and `leave` follows when it has ended. After a handler gives the thread back, `paused`. */
  enter(operation: OperationLatency, priority: Priority, now: number): boolean {
    if (this.#hasRoom(priority)) {
      if (this.#queue.size > 0 || this.#spentMs >= turnMs) return false;
    } else if (!this.#hasOwnRoom(operation) || this.#spentMs >= mostTurnMs) {
      return false;
    }
    this.#begins(operation, now);
    return true;
  }

  /** A handler has given the thread back. */
  paused(now: number): void {
    if (now < this.#handlingSince) return;
    this.#spentMs += now - this.#handlingSince;
    this.#handlingSince = Number.POSITIVE_INFINITY;
    if (this.#spentMs < turnMs || this.#awaitsTurn) return;
    this.#awaitsTurn = true;
    setImmediate(this.#turned);
  }

  /** Whether a call that may not enter may wait. It then has to, or is refused for the reason given. */
  judge(priority: Priority, now: number, remainingMs: number): Refusal | undefined {
    if (!this.#hasRoom(priority)) this.#fullAt = now;
    const isLearning = this.#limit.isGrowing && now - this.#fullAt < drainMs;
    const queueTime = this.#queueTime(now);
    let verdict = this.#queue.judge(priority, queueTime, remainingMs, isLearning);
    // Neither the limit nor its own work keeps it from handling more: those who wait wait for the machine.
    if (verdict === 'too_long' && this.#hasRoom(priority) && this.#cpu.lately(now) < busyShare) {
      verdict = this.#queue.judge(priority, queueTime, remainingMs, true);
    }
    if (verdict === 'displace') {
      this.#queue.displace()?.turnAway('displaced', now);
      verdict = 'join';
    }
    return verdict === 'join' ? undefined : verdict;
  }

  wait(call: Waiting, priority: Priority, now: number): void {
    if (this.#ticker === undefined) {
      this.#starvation.look(now);
      this.#ticker = setTimeout(this.#tick, tickMs);
    }
    this.#queue.join(call, priority, this.#queueTime(now));
    if (this.#hasRoom(priority)) this.#schedule();
  }

  /**
   * A call has ended.
   *
   * @param latencyMs how long its handler took; undefined when that tells nothing of the load
   */
  leave(operation: OperationLatency, latencyMs: number | undefined, now: number): void {
    if (latencyMs !== undefined) this.#limit.record(operation, latencyMs, this.inFlight, now);
    this.inFlight--;
    operation.ended(now);
    if (this.#queue.size > 0) this.#schedule();
  }

  /** The call of a handler that has not finished is over. When it does finish, it leaves what this returns. */
  overstays(holder: Holding, now: number): Overstay {
    const overstay = { holder };
    this.#overstaying.push(overstay, now);
    this.#overstayTicker ??= setInterval(() => this.#endOverstay(), overstayTickMs).unref();
    return overstay;
  }

  /** Registers an operation. */
  operation(): OperationLatency {
    return this.#limit.operation();
  }

  /** Turns away all who wait. */
  close(): void {
    clearTimeout(this.#ticker);
    clearInterval(this.#overstayTicker);
    this.#ticker = undefined;
    const now = this.#clock();
    for (let call = this.#queue.displace(); call; call = this.#queue.displace())
      call.turnAway('stopping', now);
  }

  #hasRoom(priority: Priority): boolean {
    const { limit } = this.#limit;
    if (priority === 'normal') return this.inFlight < limit;
    return this.inFlight < limit * (priority === 'high' ? highShare : backgroundShare);
  }

  #hasOwnRoom(operation: OperationLatency): boolean {
    return operation.inFlight < Math.max(fewestOwn, this.#limit.limit * ownShare);
  }

  #begins(operation: OperationLatency, now: number): void {
    this.inFlight++;
    operation.began(now);
    this.#handlingSince = now;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#drain);
  }

  #beginTurn(): void {
    this.#awaitsTurn = false;
    this.#spentMs = 0;
  }

  #runWaiting(): void {
    this.#isScheduled = false;
    this.#spentMs = 0;
    let now = this.#clock();
    this.#turnAwayOverdue(now);
    for (
      let next = this.#queue.next();
      next !== undefined && this.#hasRoom(next);
      next = this.#queue.next()
    ) {
      if (this.#spentMs >= turnMs) {
        this.#schedule();
        break;
      }
      const call = this.#queue.take(this.#queueTime(now))!;
      if (call.isWanted(now)) {
        this.#begins(call.operation, now);
        call.begin(now);
        now = this.#clock();
      } else {
        call.turnAway('gone', now);
      }
    }
  }

  #endOverstay(): void {
    const now = this.#clock();
    while (now - this.#overstaying.since >= overstayMs) this.#overstaying.shift()?.holder?.losePlace(now);
    if (this.#overstaying.length > 0) return;
    clearInterval(this.#overstayTicker);
    this.#overstayTicker = undefined;
  }

  #turnAwayOverdue(now: number): void {
    const queueTime = this.#queueTime(now);
    for (let call = this.#queue.overdue(queueTime); call; call = this.#queue.overdue(queueTime)) {
      call.turnAway(call.isWanted(now) ? 'waited' : 'gone', now);
    }
  }

  /** The clock of those who wait: it stands still while this process was not let run. */
  #queueTime(now: number): number {
    this.#starvation.reckon(now);
    return now - this.#starvation.lostMs;
  }

  #lookThrough(): void {
    const now = this.#clock();
    this.#limit.tick(now);
    this.#turnAwayOverdue(now);
    if (this.#queue.size === 0) {
      this.#ticker = undefined;
      this.#starvation.rest();
      return;
    }
    this.#starvation.look(now);
    this.#cpu.lately(now);
    // A limit that has grown while nothing ended is noticed here.
    this.#schedule();
    this.#ticker = setTimeout(this.#tick, tickMs);
  }
}
