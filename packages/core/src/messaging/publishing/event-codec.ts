/**
 * From an event of a contract to the message that carries it, and back: validation on both ends, the key's partition, and the
 * headers of a CloudEvent in binary mode.
 */
import type { ContractEvent } from '../../contract/contract.ts';
import { type Schema, validate } from '../../contract/schema.ts';
import { platformError } from '../../errors/flotilla-error.ts';
import { invalidArgument } from '../../errors/validation.ts';
import { decodeValue, encodeValue, headerLine, headerLines, type ReceivedHeaders } from '../headers.ts';
import { header } from '../topology.ts';

export interface EncodedPayload {
  readonly bytes: Buffer;
  readonly key: string | undefined;
}

/** What the headers of a message tell of it. */
export interface MessageFacts {
  readonly id: string;
  readonly key: string | undefined;
  readonly source: string;
  /** When it was published, RFC 3339; undefined when it does not say so. */
  readonly time: string | undefined;
  readonly traceparent: string | undefined;
  /** How often it was redriven. */
  readonly redrives: number;
  /** Names the replay that it is part of. */
  readonly replay: string | undefined;
}

type Checked = Awaited<ReturnType<typeof validate>>;

const idPattern = /^[\x21-\x7e]{1,128}$/;

/** @throws FlotillaError `invalid_argument` for an id that cannot be a header. */
export function checkId(id: string): string {
  if (idPattern.test(id)) return id;
  throw platformError(
    'invalid_argument',
    `'${id}' cannot be the id of a message: take 1 to 128 printable ASCII characters without blanks`,
  );
}

export class EventCodec {
  readonly event: ContractEvent;
  readonly #schema: Schema;
  readonly #key: string | undefined;
  readonly #fixed: string;

  /** @param source whose messages it encodes: CloudEvents `source`. */
  constructor(event: ContractEvent, source: string) {
    this.event = event;
    this.#schema = event.payload;
    this.#key = event.spec.key;
    this.#fixed = headerLines([
      [header.source, source],
      [header.type, event.id],
      [header.specVersion, '1.0'],
      [header.contentType, 'application/json'],
    ]);
  }

  /**
   * Validates and encodes. A promise only from schemas with asynchronous checks.
   *
   * @throws FlotillaError `invalid_argument` that names the fields at fault.
   */
  encode(payload: unknown): EncodedPayload | Promise<EncodedPayload> {
    const checked = validate(this.#schema, payload);
    return checked instanceof Promise
      ? checked.then((result) => this.#encode(result))
      : this.#encode(checked);
  }

  /** Validates what came. @throws FlotillaError `invalid_argument` when it is no JSON, or breaks the contract. */
  decode(bytes: Uint8Array): unknown {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    } catch (cause) {
      throw platformError('invalid_argument', `${this.event.id}: the payload is not JSON`, { cause });
    }
    const checked = validate(this.#schema, value);
    return checked instanceof Promise ? checked.then(validOf) : validOf(checked);
  }

  /** The lines of a message's headers. Hot path: texts are put together, nothing is looked up. */
  headerLines(id: string, key: string | undefined, time: string, traceparent: string | undefined): string {
    const trace = traceparent === undefined ? '' : `traceparent: ${traceparent}\r\n`;
    const keyLine = key === undefined ? '' : headerLine(header.key, encodeValue(key));
    return `Nats-Msg-Id: ${id}\r\nce-id: ${id}\r\n${this.#fixed}ce-time: ${time}\r\n${keyLine}${trace}`;
  }

  #encode(checked: Checked): EncodedPayload {
    const value = validOf(checked);
    return { bytes: Buffer.from(JSON.stringify(value) ?? 'null'), key: this.#keyOf(value) };
  }

  #keyOf(value: unknown): string | undefined {
    if (this.#key === undefined) return undefined;
    const found = (value as Readonly<Record<string, unknown>> | null)?.[this.#key];
    if (found === undefined || found === null) return undefined;
    return typeof found === 'object' ? JSON.stringify(found) : String(found);
  }
}

function validOf(checked: Checked): unknown {
  if (checked.issues) throw invalidArgument(checked.issues);
  return checked.value;
}

/** Messages of other clients may lack all of it: the stream's name and the sequence name such a message. */
export function readFacts(headers: ReceivedHeaders, stream: string, sequence: number): MessageFacts {
  const key = headers.get(header.key);
  return {
    id: headers.get(header.id) ?? headers.get(header.messageId) ?? `${stream}:${sequence}`,
    key: key === undefined ? undefined : decodeValue(key),
    source: headers.get(header.source) ?? '',
    time: headers.get(header.time),
    traceparent: headers.get(header.traceparent),
    redrives: Number(headers.get(header.redrives) ?? 0) || 0,
    replay: headers.get(header.replay),
  };
}
