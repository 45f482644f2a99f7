/**
 * The one canonical request. It is computed once, from the bytes a data plane received, and every later stage (router,
 * access rules, input mapping, limits, log) uses it and nothing else. Framing is checked here a second time, so that
 * the guarantee does not rest on the parser of one data plane: RFC 9112 §6, read as strictly as it allows.
 */
import { ambiguous, Refusal } from '../refusal.ts';
import { canonicalHeaders } from './headers.ts';
import { canonicalPath } from './path.ts';

/** A request head as a data plane read it, before any interpretation. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** `1.1` or `1.0`. */
  readonly version: string;
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
}

export interface CanonicalRequest {
  readonly method: string;
  /** Host with its port, lower-case. */
  readonly host: string;
  readonly path: string;
  readonly segments: readonly string[];
  /** Raw query without `?`. */
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Headers that came more than once; such a value never becomes an input field. */
  readonly repeatedHeaders: ReadonlySet<string>;
  /** Declared size of the body in bytes, 0 without one, -1 when it comes in chunks. */
  readonly bodyLength: number;
  /** The client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean;
}

export interface HeadLimits {
  readonly uriBytes: number;
  readonly headerCount: number;
}

const hostPattern = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::[0-9]{1,5})?$/;
/** Methods for whose body HTTP defines no meaning (RFC 9110 §9.3): some readers skip it, some take it for a request. */
const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);
const lengthPattern = /^(?:0|[1-9][0-9]{0,14})$/;

/** @throws Refusal with the status and the reason. */
export function canonicalRequest(head: RequestHead, limits: HeadLimits): CanonicalRequest {
  if (head.version !== '1.1' && head.version !== '1.0') {
    throw new Refusal('invalid_argument', `HTTP/${head.version} is not spoken here: use HTTP/1.1`, {
      status: 505,
    });
  }
  if (head.target.length > limits.uriBytes) {
    throw new Refusal('invalid_argument', `the request target is longer than ${limits.uriBytes} bytes`, {
      status: 414,
    });
  }
  const { values: headers, repeated } = canonicalHeaders(head.rawHeaders, limits.headerCount);
  const host = headers.get('host')?.toLowerCase();
  if (host === undefined) throw ambiguous('the request has no Host header');
  if (!hostPattern.test(host)) throw ambiguous('the Host header is not a host name with an optional port');
  const { segments, path, query } = canonicalPath(head.target);
  const expect = headers.get('expect')?.toLowerCase();
  if (expect !== undefined && expect !== '100-continue') {
    throw new Refusal('invalid_argument', 'the only expectation known here is 100-continue', {
      status: 417,
    });
  }
  const length = bodyLength(headers, head.version);
  if (length !== 0 && bodiless.has(head.method)) {
    throw ambiguous(`${head.method} carries no body here: send the input in the path and the query`);
  }
  return {
    method: head.method,
    host,
    path,
    segments,
    query,
    headers,
    repeatedHeaders: repeated,
    bodyLength: length,
    expectsContinue: expect !== undefined && head.version === '1.1',
  };
}

function bodyLength(headers: ReadonlyMap<string, string>, version: string): number {
  const length = headers.get('content-length');
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined) {
    if (length !== undefined) throw ambiguous('the request has both Content-Length and Transfer-Encoding');
    if (version !== '1.1') throw ambiguous('HTTP/1.0 has no Transfer-Encoding');
    if (coding.toLowerCase() !== 'chunked')
      throw ambiguous("the only Transfer-Encoding known here is 'chunked'");
    return -1;
  }
  if (length === undefined) return 0;
  if (!lengthPattern.test(length)) throw ambiguous('Content-Length is not a plain decimal number');
  return Number(length);
}
