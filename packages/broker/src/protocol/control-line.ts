/**
 * The words of a control line: recognising a verb, splitting arguments, reading sizes. Works on offsets into the
 * received bytes and allocates nothing.
 */

const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;

/** Enough for the longest operation (HPUB with reply has four) and one more, to notice a surplus. */
const MOST = 5;

export class Arguments {
  readonly starts = new Int32Array(MOST);
  readonly ends = new Int32Array(MOST);
  count = 0;

  /**
   * Splits at spaces and tabs. nats-server also splits at a carriage return, but only for SUB and UNSUB: hence
   * `atReturn`.
   */
  split(bytes: Buffer, from: number, to: number, atReturn: boolean): void {
    let count = 0;
    let i = from;
    while (i < to && count < MOST) {
      while (i < to && isSeparator(bytes[i]!, atReturn)) i++;
      if (i === to) break;
      this.starts[count] = i;
      while (i < to && !isSeparator(bytes[i]!, atReturn)) i++;
      this.ends[count++] = i;
    }
    this.count = count;
  }

  text(bytes: Buffer, index: number): string {
    return bytes.toString('latin1', this.starts[index], this.ends[index]);
  }

  /** The argument as a size, or -1 when it is not one: only digits, at most nine of them. */
  size(bytes: Buffer, index: number): number {
    const start = this.starts[index]!;
    const end = this.ends[index]!;
    if (end - start > 9) return -1;
    let value = 0;
    for (let i = start; i < end; i++) {
      const digit = bytes[i]! - 0x30;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }
}

function isSeparator(byte: number, atReturn: boolean): boolean {
  return byte === SPACE || byte === TAB || (atReturn && byte === CR);
}

export type Verb = 'pub' | 'hpub' | 'sub' | 'unsub' | 'ping' | 'pong' | 'connect' | 'info' | '+ok' | '-err';

/** Whether arguments have to be set off from the verb by a space or tab. */
const SET_OFF: Readonly<Record<Verb, boolean>> = {
  pub: true,
  hpub: true,
  sub: true,
  unsub: true,
  ping: false,
  pong: false,
  connect: false,
  info: false,
  '+ok': false,
  '-err': true,
};
const VERBS = Object.keys(SET_OFF) as Verb[];

function matches(bytes: Buffer, start: number, length: number, verb: string): boolean {
  for (let i = 0; i < length; i++) {
    const want = verb.charCodeAt(i);
    const byte = bytes[start + i]!;
    const got = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (got !== want) return false;
  }
  return true;
}

/** The verb that the complete line `[start, end)` begins with. */
export function verbOf(bytes: Buffer, start: number, end: number): Verb | undefined {
  for (const verb of VERBS) {
    const length = verb.length;
    if (end - start < length || !matches(bytes, start, length, verb)) continue;
    if (SET_OFF[verb] && !(end - start > length && isSeparator(bytes[start + length]!, false)))
      return undefined;
    return verb;
  }
  return undefined;
}

/** Whether the incomplete line `[start, end)` can still become a command: garbage is refused without its newline. */
export function mayBecomeCommand(bytes: Buffer, start: number, end: number): boolean {
  const available = end - start;
  for (const verb of VERBS) {
    if (!matches(bytes, start, Math.min(available, verb.length), verb)) continue;
    if (available <= verb.length || !SET_OFF[verb]) return true;
    return isSeparator(bytes[start + verb.length]!, false);
  }
  return false;
}
