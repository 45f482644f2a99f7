/** Resolves the HTTP binding of an operation against its input, so that a wrong one fails when the contract is made. */
import { platformError } from '../errors/flotilla-error.ts';
import type { HttpBindingDocument, HttpMethod, JsonSchema } from './document.ts';
import type { HttpBinding, HttpRoute } from './operation.ts';

const routePattern =
  /^(GET|POST|PUT|PATCH|DELETE) (\/(?:[A-Za-z0-9._~-]+|\{[A-Za-z][A-Za-z0-9_]*\})?(?:\/(?:[A-Za-z0-9._~-]+|\{[A-Za-z][A-Za-z0-9_]*\}))*)$/;

/** The names in a path's `{field}` segments, in order. */
export function pathFields(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!);
}

export function bindHttp(
  where: string,
  given: HttpRoute | HttpBinding,
  input: JsonSchema,
  streams: boolean,
): HttpBindingDocument {
  const binding: HttpBinding = typeof given === 'string' ? { route: given } : given;
  const match = routePattern.exec(binding.route);
  const reject = (problem: string): never => {
    throw platformError('invalid_argument', `${where}: HTTP binding '${binding.route}' ${problem}`);
  };
  if (!match) return reject("is not 'METHOD /path' with plain or {field} segments");
  const method = match[1] as HttpMethod;
  const path = match[2]!;
  const fields = Object.keys((input.properties ?? {}) as object);
  const known = input.properties !== undefined;
  const inPath = pathFields(path);
  const headers = Object.fromEntries(
    Object.entries(binding.headers ?? {}).map(([field, header]) => [field, String(header).toLowerCase()]),
  );
  const resume = binding.sse?.resume;
  if (new Set(inPath).size !== inPath.length) reject('names a field twice');
  for (const field of [...inPath, ...(binding.query ?? []), ...Object.keys(headers), resume, binding.body]) {
    if (field !== undefined && known && !fields.includes(field))
      reject(`names '${field}', which the input does not have`);
  }
  if (binding.sse && !streams) reject('has `sse` but the output is not a stream');
  const bodiless = method === 'GET' || method === 'DELETE';
  if (bodiless && binding.body) reject(`has a body, which ${method} does not carry`);
  const elsewhere = new Set<string | undefined>([...inPath, ...Object.keys(headers), resume]);
  const query = binding.query ?? (bodiless ? fields.filter((field) => !elsewhere.has(field)) : []);
  const rest = fields.filter((field) => !elsewhere.has(field) && !query.includes(field));
  const status = binding.status ?? 200;
  return {
    method,
    path,
    status,
    replayStatus: binding.replayStatus ?? status,
    query: [...query],
    headers,
    body: binding.body
      ? { kind: 'field', field: binding.body }
      : { kind: bodiless || (known && rest.length === 0) ? 'none' : 'rest' },
    ...(binding.sse ? { sse: binding.sse } : {}),
  };
}
