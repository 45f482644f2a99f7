/**
 * `OTEL_…` variables as values. Their rules are those of OpenTelemetry's specification ("Environment Variable
 * Specification"): an empty variable is one that is not set, and one that cannot be read is ignored with a warning;
 * telemetry that is set up wrong never keeps a service from running.
 */

/** RFC 9110 §5.1 and §5.5. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

export class OtelEnvironment {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #warn: (message: string) => void;

  /** @param warn told of each variable that is ignored: its name, what it holds and what it may hold. */
  constructor(environment: NodeJS.ProcessEnv, warn: (message: string) => void) {
    this.#environment = environment;
    this.#warn = warn;
  }

  text(name: string): string | undefined {
    const value = this.#environment[name]?.trim();
    return value === '' ? undefined : value;
  }

  /** The name and value of the first of `names` that is set: the special before the general. */
  first(...names: readonly string[]): { readonly name: string; readonly value: string } | undefined {
    for (const name of names) {
      const value = this.text(name);
      if (value !== undefined) return { name, value };
    }
    return undefined;
  }

  /** Whether it is `true`, in any case; all else is false. */
  flag(name: string): boolean {
    const value = this.text(name)?.toLowerCase();
    if (value !== undefined && value !== 'true' && value !== 'false')
      this.#warn(`${name}=${value} is ignored: set it to true or false`);
    return value === 'true';
  }

  /** A whole number of at least `smallest`. */
  number(names: readonly string[], fallback: number, smallest: number): number {
    const found = this.first(...names);
    if (!found) return fallback;
    const value = Number(found.value);
    if (Number.isInteger(value) && value >= smallest && value <= 2 ** 31 - 1) return value;
    this.#warn(
      `${found.name}=${found.value} is ignored, ${fallback} holds: set it to a whole number of at least ${smallest}`,
    );
    return fallback;
  }

  choice<T extends string>(names: readonly string[], choices: readonly T[], fallback: T): T {
    const found = this.first(...names);
    if (!found) return fallback;
    const choice = choices.find((candidate) => candidate === found.value.toLowerCase());
    if (choice !== undefined) return choice;
    this.#warn(
      `${found.name}=${found.value} is ignored, ${fallback} holds: set it to ${choices.join(' or ')}`,
    );
    return fallback;
  }

  /** An http or https URL. */
  url(name: string): URL | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const url = URL.parse(value);
    if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
    const shown = value.replace(/\/\/[^/]*@/, '//…@');
    this.#warn(`${name}=${shown} is ignored: set it to a URL such as http://127.0.0.1:4318`);
    return undefined;
  }

  /** What the file holds that the variable names. */
  file(names: readonly string[], readFile: (path: string) => Buffer): Buffer | undefined {
    const found = this.first(...names);
    if (!found) return undefined;
    try {
      return readFile(found.value);
    } catch (error) {
      this.#warn(
        `${found.name}=${found.value} is ignored: the file cannot be read, ${(error as Error).message}`,
      );
      return undefined;
    }
  }

  /**
   * `name=value,name=value`, the values percent-encoded as in W3C Baggage. A part that cannot be read is left out.
   * Values are not repeated in warnings: they may be secret.
   */
  pairs(name: string): Record<string, string> {
    const pairs: Record<string, string> = {};
    for (const part of this.text(name)?.split(',') ?? []) {
      if (part.trim() === '') continue;
      const at = part.indexOf('=');
      const key = decode(part.slice(0, Math.max(at, 0)).trim());
      const value = decode(part.slice(at + 1).trim());
      if (at > 0 && key && value !== undefined) pairs[key] = value;
      else
        this.#warn(
          `a part of ${name} is ignored: write it as key=value,key=value with values percent-encoded`,
        );
    }
    return pairs;
  }

  /** `pairs` that can be sent as headers; their names in lower case. */
  headers(...names: readonly string[]): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const name of names) {
      for (const [key, value] of Object.entries(this.pairs(name))) {
        if (headerName.test(key) && headerValue.test(value)) headers[key.toLowerCase()] = value;
        else this.#warn(`a part of ${name} is ignored: '${key}' or its value cannot be sent as a header`);
      }
    }
    return headers;
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
