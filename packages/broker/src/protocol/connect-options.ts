/**
 * What CONNECT says about a client. Read the way nats-server does: names without regard to case, null means "not
 * given", unknown names are ignored, a value of the wrong kind refuses the whole command. A later CONNECT changes
 * only what it names.
 */
export interface ConnectOptions {
  verbose: boolean;
  pedantic: boolean;
  echo: boolean;
  headers: boolean;
  noResponders: boolean;
  protocol: number;
  authToken: string;
  user: string;
  pass: string;
  name: string;
  lang: string;
  version: string;
}

/** In force until CONNECT; verbose and pedantic start switched on, as nats-server has them. */
export function initialConnectOptions(): ConnectOptions {
  return {
    verbose: true,
    pedantic: true,
    echo: true,
    headers: false,
    noResponders: false,
    protocol: 0,
    authToken: '',
    user: '',
    pass: '',
    name: '',
    lang: '',
    version: '',
  };
}

const FIELDS: Readonly<Record<string, keyof ConnectOptions>> = {
  verbose: 'verbose',
  pedantic: 'pedantic',
  echo: 'echo',
  headers: 'headers',
  no_responders: 'noResponders',
  protocol: 'protocol',
  auth_token: 'authToken',
  user: 'user',
  pass: 'pass',
  name: 'name',
  lang: 'lang',
  version: 'version',
};

/** Returns the options after this CONNECT, or undefined when it cannot be read. */
export function readConnect(json: string, before: ConnectOptions): ConnectOptions | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || Array.isArray(parsed)) return undefined;
  const after = { ...before };
  for (const [name, value] of Object.entries(parsed ?? {})) {
    const field = Object.hasOwn(FIELDS, name.toLowerCase()) ? FIELDS[name.toLowerCase()] : undefined;
    if (field === undefined || value === null) continue;
    if (typeof value !== typeof before[field]) return undefined;
    if (field === 'protocol' && !Number.isSafeInteger(value)) return undefined;
    Object.assign(after, { [field]: value });
  }
  return after;
}
