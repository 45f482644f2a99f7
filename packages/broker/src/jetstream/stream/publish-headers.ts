/**
 * The headers by which a publisher tells a stream what to do: `Nats-…`, exactly in that spelling, as nats-server
 * reads them. One instance is reused; a header block without any of them costs one pass over its bytes.
 */

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const SPACE = 0x20;
const PREFIX = Buffer.from('Nats-', 'latin1');

export class PublishHeaders {
  messageId = '';
  expectedStream = '';
  expectedLastMessageId = '';
  rollup = '';
  /** Undefined: not expected. NaN: not a number, which no sequence fits. */
  expectedLastSequence: number | undefined;
  expectedLastSubjectSequence: number | undefined;

  /** Reads the header block from `start` to `end`. */
  read(bytes: Buffer, start: number, end: number): void {
    this.clear();
    let line = nextLine(bytes, start, end);
    while (line < end) {
      const next = nextLine(bytes, line, end);
      if (startsWithPrefix(bytes, line, next)) this.#take(bytes, line, next);
      line = next;
    }
  }

  clear(): void {
    this.messageId = '';
    this.expectedStream = '';
    this.expectedLastMessageId = '';
    this.rollup = '';
    this.expectedLastSequence = undefined;
    this.expectedLastSubjectSequence = undefined;
  }

  #take(bytes: Buffer, start: number, end: number): void {
    let colon = start;
    while (colon < end && bytes[colon] !== COLON) colon++;
    let from = colon + 1;
    while (from < end && bytes[from] === SPACE) from++;
    let to = end;
    while (to > from && (bytes[to - 1] === LF || bytes[to - 1] === CR)) to--;
    const value = bytes.toString('latin1', from, to);
    switch (bytes.toString('latin1', start, colon)) {
      case 'Nats-Msg-Id':
        this.messageId ||= value;
        break;
      case 'Nats-Expected-Stream':
        this.expectedStream ||= value;
        break;
      case 'Nats-Expected-Last-Sequence':
        this.expectedLastSequence ??= sequenceOf(value);
        break;
      case 'Nats-Expected-Last-Subject-Sequence':
        this.expectedLastSubjectSequence ??= sequenceOf(value);
        break;
      case 'Nats-Expected-Last-Msg-Id':
        this.expectedLastMessageId ||= value;
        break;
      case 'Nats-Rollup':
        this.rollup ||= value;
        break;
    }
  }
}

/** Behind the line feed of the line that begins at `start`. */
function nextLine(bytes: Buffer, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] !== LF) i++;
  return i + 1;
}

function startsWithPrefix(bytes: Buffer, start: number, end: number): boolean {
  if (end - start <= PREFIX.length) return false;
  for (let i = 0; i < PREFIX.length; i++) if (bytes[start + i] !== PREFIX[i]) return false;
  return true;
}

function sequenceOf(text: string): number | undefined {
  if (text === '') return undefined;
  return /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
}
