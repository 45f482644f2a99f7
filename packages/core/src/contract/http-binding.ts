/** Resolves the HTTP binding of an operation against its input, so that a wrong one fails when the contract is made. */
import { platformError } from '../errors/flotilla-error.ts';
import type { HttpBindingDocument, HttpMethod, JsonSchema } from './document.ts';
import { type Fields, fieldsOf } from './json-schema.ts';
import type { HttpBinding, HttpRoute } from './operation.ts';

const segment = String.raw`(?:[A-Za-z0-9._~-]+|\{[A-Za-z][A-Za-z0-9_]*\})`;
const routePattern = new RegExp(`^(GET|POST|PUT|PATCH|DELETE) (/|(?:/${segment})+)$`);
/** RFC 9110 §5.6.2 `token`. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The names in a path's `{field}` segments, in order. */
export function pathFields(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!);
}

/**
 * @param where the operation, for messages.
 * @param item the schema of one item where the output is a stream.
 * @throws FlotillaError `invalid_argument` that quotes the route and says what is wrong with the binding.
 */
export function bindHttp(
  where: string,
  given: HttpRoute | HttpBinding,
  input: JsonSchema,
  item: JsonSchema | undefined,
): HttpBindingDocument {
  const binding: HttpBinding = typeof given === 'string' ? { route: given } : given;
  const reject = (problem: string): never => {
    throw platformError('invalid_argument', `${where}: HTTP binding '${binding.route}' ${problem}`);
  };
  const { method, path } =
    parseRoute(binding.route) ?? reject("is not 'METHOD /path' with plain or {field} segments");
  const fields =
    fieldsOf(input) ?? reject('needs an input that is an object: its fields come from the request');
  const headers = Object.fromEntries(
    Object.entries(binding.headers ?? {}).map(([field, header]) => [field, String(header).toLowerCase()]),
  );
  checkHeaders(headers, reject);
  const sse = binding.sse;
  const inPath = pathFields(path);
  const placed = [...inPath, ...(binding.query ?? []), ...Object.keys(headers)];
  if (binding.body !== undefined) placed.push(binding.body);
  checkFields(sse?.resume === undefined ? placed : [...placed, sse.resume], fields, 'input', reject);
  const twice = placed.find((field, index) => placed.indexOf(field) !== index);
  if (twice !== undefined) reject(`takes '${twice}' from two places of the request`);
  if (sse) {
    if (!item) return reject('has `sse` but the output is not a stream');
    checkFields([sse.event, sse.id], fieldsOf(item) ?? { names: [], open: false }, 'item', reject);
  }
  const bodiless = method === 'GET' || method === 'DELETE';
  if (bodiless && binding.body !== undefined) reject(`has a body, which ${method} does not carry`);

  const elsewhere = new Set<string | undefined>([...inPath, ...Object.keys(headers), sse?.resume]);
  const query = binding.query ?? (bodiless ? fields.names.filter((field) => !elsewhere.has(field)) : []);
  const rest = fields.names.filter((field) => !elsewhere.has(field) && !query.includes(field));
  const status = checkStatus(binding.status ?? 200, 'status', reject);
  return {
    method,
    path,
    status,
    replayStatus: checkStatus(binding.replayStatus ?? status, 'replayStatus', reject),
    query: [...query],
    headers,
    body:
      binding.body !== undefined
        ? { kind: 'field', field: binding.body }
        : { kind: bodiless || (!fields.open && rest.length === 0) ? 'none' : 'rest' },
    ...(sse ? { sse } : {}),
  };
}

type Reject = (problem: string) => never;

function parseRoute(route: string): { method: HttpMethod; path: string } | undefined {
  const match = routePattern.exec(route);
  // A client resolves `.` and `..` before it sends the path (RFC 3986 §5.2.4), so such a route is never reached.
  if (!match || match[2]!.split('/').some((part) => part === '.' || part === '..')) return undefined;
  return { method: match[1] as HttpMethod, path: match[2]! };
}

function checkFields(
  names: readonly (string | undefined)[],
  fields: Fields,
  of: 'input' | 'item',
  reject: Reject,
): void {
  for (const name of names) {
    if (name !== undefined && !fields.open && !fields.names.includes(name)) {
      reject(`names '${name}', which the ${of} does not have`);
    }
  }
}

function checkHeaders(headers: Readonly<Record<string, string>>, reject: Reject): void {
  for (const header of Object.values(headers)) {
    if (!headerName.test(header)) reject(`takes a field from '${header}', which is not a header name`);
  }
}

function checkStatus(status: number, name: string, reject: Reject): number {
  if (Number.isInteger(status) && status >= 200 && status <= 299) return status;
  return reject(`has ${name} ${status}; a success is between 200 and 299`);
}
