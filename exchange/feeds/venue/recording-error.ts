/**
 * What can be wrong with a recording, as one error that names the file, the line, the cause and the way out.
 */

/** The one way in which a recording failed; stable, for programs. */
export type RecordingFault =
  /** The file could not be opened or read at all. */
  | 'unreadable'
  /** The file holds no message. */
  | 'empty'
  /** The gzip data is corrupt or ends early. */
  | 'bad_gzip'
  /** A line is longer than any message of the venue. */
  | 'line_too_long'
  /** A line does not begin with a nanosecond receive time and a space. */
  | 'no_time'
  /** The receive time is outside of any plausible year, or earlier than the line before. */
  | 'bad_time'
  /** The text after the time is not JSON. */
  | 'bad_json'
  /** JSON, but no message of the recorded streams. */
  | 'unknown_message'
  /** A field is missing or of the wrong type. */
  | 'bad_field'
  /** A price or quantity is not a decimal, or finer than the configured scale. */
  | 'bad_decimal'
  /** Well formed, but it cannot be: a crossed snapshot, a negative range of ids, a second symbol. */
  | 'absurd_value';

/** A recording that cannot be used. `code` is stable; `message` is the whole story for a person. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  readonly code = 'recording_damaged';
  readonly file: string;
  /** Counted from 1; for compressed files, in the decompressed text. Undefined when no line was reached. */
  readonly line: number | undefined;
  readonly fault: RecordingFault;
  /** What is wrong, without file and line. */
  readonly detail: string;
  /** What a person can do about it. */
  readonly repair: string;

  constructor(
    file: string,
    line: number | undefined,
    fault: RecordingFault,
    detail: string,
    cause?: unknown,
  ) {
    const repair = repairs[fault];
    const place = line === undefined ? file : `${file}, line ${line}`;
    super(`${place}: ${detail}. ${repair}`, cause === undefined ? undefined : { cause });
    this.file = file;
    this.line = line;
    this.fault = fault;
    this.detail = detail;
    this.repair = repair;
  }
}

const restore = 'Restore the file from its source: it was damaged after it was recorded';

const repairs: Readonly<Record<RecordingFault, string>> = {
  unreadable: 'Check that the path names a file that this user may read',
  empty: 'Name a recording that holds at least one message',
  bad_gzip: 'Copy the file again from its source, completely, and check it with "gzip -t"',
  line_too_long: 'One message per line is expected: name a recording of that form',
  no_time:
    'Each line must be a nanosecond receive time (19 digits), a space, and the JSON as it was received',
  bad_time: 'Lines must be in the order in which they were received, with a nanosecond receive time',
  bad_json: restore,
  unknown_message:
    'Only depth, bookTicker and trade messages of a combined stream, and REST depth snapshots, can be replayed',
  bad_field: restore,
  bad_decimal: 'Set the price and quantity decimals to those of the instrument, or restore the file',
  absurd_value: restore,
};
