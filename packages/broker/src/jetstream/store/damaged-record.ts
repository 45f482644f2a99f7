/**
 * A stored message is not what was written: its checksum does not fit, or the database cannot read its page. It is
 * named, and never skipped in silence.
 */
export class DamagedRecord extends Error {
  readonly stream: string;
  readonly sequence: number;

  constructor(stream: string, sequence: number, cause?: unknown) {
    super(
      `message ${sequence} of stream ${stream} is damaged: restore a backup, or delete the message to go on without it`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'DamagedRecord';
    this.stream = stream;
    this.sequence = sequence;
  }
}
