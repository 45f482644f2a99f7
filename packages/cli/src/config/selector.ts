/** The selector of a policy or a breaker: `ledger`, `ledger.hold`, `risk->ledger.hold`, `*`. Its pattern is the core's. */

export interface Selector {
  /** The calling service, where it is given. */
  readonly caller: string | undefined;
  /** `*` or a service. */
  readonly service: string;
  readonly operation: string | undefined;
}

export function selectorOf(text: string): Selector {
  const [, caller, service = '', operation] = /^(?:(.*)->)?([^.]*)(?:\.(.*))?$/.exec(text) ?? [];
  return { caller, service, operation };
}

/** Names in it that are neither services nor, as a caller, the gateway. */
export function unknownIn(text: string, services: readonly string[]): string[] {
  const { caller, service } = selectorOf(text);
  const callers = caller === undefined || caller === 'gateway' ? [] : [caller];
  const called = service === '*' ? [] : [service];
  return [...callers, ...called].filter((name) => !services.includes(name));
}
