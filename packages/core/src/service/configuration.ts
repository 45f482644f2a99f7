/**
 * Configuration of a service: a schema, read from the environment once, at boot. A field `startingCash` is read from
 * `STARTING_CASH`; JSON values may be given for anything that is not text.
 */
import { type JsonSchema, jsonSchemaOf, type OutputOf, type Schema, validate } from '../contract/index.ts';
import { platformError } from '../errors/flotilla-error.ts';

/** `startingCash` → `STARTING_CASH`. */
export function environmentName(field: string): string {
  return field.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

/**
 * Reads the configuration.
 *
 * @throws FlotillaError `invalid_argument` that lists everything that is wrong, each with the variable to set.
 */
export async function readConfiguration<S extends Schema>(
  service: string,
  schema: S,
  environment: NodeJS.ProcessEnv,
): Promise<OutputOf<S>> {
  const properties = (jsonSchemaOf(schema, 'input', `${service} config`).properties ?? {}) as Record<
    string,
    JsonSchema
  >;
  const raw: Record<string, unknown> = {};
  for (const [field, property] of Object.entries(properties)) {
    const text = environment[environmentName(field)];
    if (text !== undefined && text !== '') raw[field] = fromText(text, property);
  }
  const result = await validate(schema, raw);
  if (!result.issues) return result.value;
  const lines = result.issues.map(({ path, message }) => {
    const [field] = path;
    const given = typeof field === 'string' ? environment[environmentName(field)] : undefined;
    const name = typeof field === 'string' ? environmentName(field) : '(configuration)';
    return `  ${name}${given === undefined ? ' is not set' : ''}: ${message}`;
  });
  throw platformError(
    'invalid_argument',
    `${service} cannot start, its configuration is wrong:\n${lines.join('\n')}\nSet these in the environment or in the fleet's configuration`,
  );
}

function fromText(text: string, { type }: JsonSchema): unknown {
  if (type === 'string' || type === undefined) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
