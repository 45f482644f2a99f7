/**
 * Mutual proof that both ends hold the fleet's wire key, which never crosses the wire: each end answers the other's
 * fresh nonce with an HMAC over both nonces and both identities. Pure, but for the nonces.
 *
 * The server proves itself first, so a caller tells a stranger nothing. The two proofs carry different labels, so that one
 * cannot be reflected as the other, and a recorded handshake fails because one nonce is always new.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type FlotillaError, platformError } from '../errors/index.ts';
import type { Peer } from './channel.ts';
import { MIN_MAX_FRAME } from './frame.ts';

export const PROTOCOL = 1;
/** Bytes of randomness in a nonce. */
const NONCE_BYTES = 24;
const NONCE_TEXT = /^[A-Za-z0-9_-]{22,86}$/;
const MAX_NAME_LENGTH = 255;

/** HELLO from the caller. */
export interface ClientHello extends Peer {
  readonly protocol: number;
  /** base64url of at least 16 random bytes. */
  readonly nonce: string;
  /** Largest frame the caller accepts. */
  readonly maxFrame: number;
  /** Items of one stream the server may send before it is given more credit. */
  readonly window: number;
}

/** HELLO from the server. */
export interface ServerHello extends Peer {
  readonly protocol: number;
  readonly nonce: string;
  /** Largest frame the server accepts. */
  readonly maxFrame: number;
  /** Calls the server lets this connection have in flight. */
  readonly maxInFlight: number;
  /** base64url of the server's HMAC. */
  readonly proof: string;
}

/** AUTH from the caller. */
export interface ClientAuth {
  readonly proof: string;
}

/** What both proofs cover. */
export interface Transcript {
  readonly clientNonce: string;
  readonly serverNonce: string;
  readonly client: Peer;
  readonly server: Peer;
}

/** A nonce that was never used before. */
export function freshNonce(): string {
  return randomBytes(NONCE_BYTES).toString('base64url');
}

/** HMAC-SHA256 over the label, the nonces and the identities, each as `u16 length · utf8`. */
export function proofOf(key: Uint8Array, side: 'client' | 'server', transcript: Transcript): Buffer {
  const mac = createHmac('sha256', key);
  const fields = [
    `flotilla wire ${PROTOCOL} ${side}`,
    transcript.clientNonce,
    transcript.serverNonce,
    transcript.client.service,
    transcript.client.instance,
    transcript.server.service,
    transcript.server.instance,
  ];
  for (const field of fields) {
    const bytes = Buffer.from(field);
    mac.update(Buffer.from([bytes.length >>> 8, bytes.length & 0xff]));
    mac.update(bytes);
  }
  return mac.digest();
}

/** Compares in constant time a proof as received with the one expected. */
export function isProof(received: string, expected: Buffer): boolean {
  const bytes = Buffer.from(received, 'base64url');
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

/** Reads a caller's HELLO. Throws the FlotillaError to refuse it with. */
export function parseClientHello(body: Buffer): ClientHello {
  const fields = parseHello(body);
  return { ...commonFields(fields), window: positive(fields, 'window') };
}

/** Reads a server's HELLO. Throws the FlotillaError to refuse it with. */
export function parseServerHello(body: Buffer): ServerHello {
  const fields = parseHello(body);
  return {
    ...commonFields(fields),
    maxInFlight: positive(fields, 'maxInFlight'),
    proof: text(fields, 'proof'),
  };
}

/** Reads a caller's AUTH. Throws the FlotillaError to refuse it with. */
export function parseClientAuth(body: Buffer): ClientAuth {
  return { proof: text(parseObject(body), 'proof') };
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(body: Buffer): Fields {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (cause) {
    throw malformed('a handshake body is not JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw malformed('a handshake body is not a JSON object');
  return value as Fields;
}

function parseHello(body: Buffer): Fields {
  const fields = parseObject(body);
  if (fields.protocol !== PROTOCOL) {
    const theirs = JSON.stringify(fields.protocol) ?? 'no version';
    throw platformError(
      'unimplemented',
      `the peer speaks wire protocol ${theirs}; this end speaks ${PROTOCOL}`,
    );
  }
  return fields;
}

function commonFields(fields: Fields): Peer & { protocol: number; nonce: string; maxFrame: number } {
  const nonce = text(fields, 'nonce');
  if (!NONCE_TEXT.test(nonce)) throw malformed('a nonce is not base64url of 16 to 64 bytes');
  const maxFrame = positive(fields, 'maxFrame');
  if (maxFrame < MIN_MAX_FRAME) throw malformed(`maxFrame is ${maxFrame}; the least is ${MIN_MAX_FRAME}`);
  return {
    protocol: PROTOCOL,
    service: text(fields, 'service'),
    instance: text(fields, 'instance'),
    nonce,
    maxFrame,
  };
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_NAME_LENGTH) {
    throw malformed(`handshake field ${name} is not a text of 1 to ${MAX_NAME_LENGTH} characters`);
  }
  return value;
}

function positive(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 0x7fff_ffff) {
    throw malformed(`handshake field ${name} is not a positive 31-bit number`);
  }
  return value;
}

function malformed(message: string, cause?: unknown): FlotillaError {
  return platformError('invalid_argument', message, { cause });
}
