/** Colours for people: on a terminal, unless NO_COLOR (https://no-color.org) says no or FORCE_COLOR says yes. */

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'grey' | 'bold' | 'dim';

const CODES: Readonly<Record<Colour, readonly [on: number, off: number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  grey: [90, 39],
  bold: [1, 22],
  dim: [2, 22],
};

export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_, text) => text;

export const painted: Paint = (colour, text) => {
  const [on, off] = CODES[colour];
  return `\x1b[${on}m${text}\x1b[${off}m`;
};

type Env = Readonly<Record<string, string | undefined>>;

/** FORCE_COLOR beats NO_COLOR, as in Node itself; an empty value of either says nothing. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: Env): Paint {
  return wantsColour(stream, env) ? painted : plain;
}

function wantsColour(stream: { readonly isTTY?: boolean }, env: Env): boolean {
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  if (env.NO_COLOR) return false;
  return stream.isTTY === true && env.TERM !== 'dumb';
}
