/** The body of GOAWAY: why a peer takes no more calls, and which it has taken. */

export interface GoAway {
  /** A platform code: `unavailable` for an orderly shutdown, otherwise what the receiver did wrong. */
  readonly code: string;
  readonly message: string;
  /** The last call the sender accepted. Calls above it were never executed. */
  readonly lastCallId: number;
}

const MAX_MESSAGE_LENGTH = 500;

export function encodeGoAway(notice: GoAway): Buffer {
  const message = notice.message.slice(0, MAX_MESSAGE_LENGTH);
  return Buffer.from(JSON.stringify({ code: notice.code, message, lastCallId: notice.lastCallId }));
}

/** Reads a GOAWAY. One that cannot be read says nothing about what was executed, so it vouches for no call. */
export function decodeGoAway(body: Buffer): GoAway {
  let fields: Partial<Record<keyof GoAway, unknown>> | null = null;
  try {
    fields = JSON.parse(body.toString());
  } catch {
    // Falls through to the unreadable notice.
  }
  return {
    code: typeof fields?.code === 'string' ? fields.code : 'unavailable',
    message: typeof fields?.message === 'string' ? fields.message : 'the peer gave no readable reason',
    lastCallId: typeof fields?.lastCallId === 'number' ? fields.lastCallId : 0xffff_ffff,
  };
}
