/** The result of one check. A `note` is worth knowing and not wrong; a `problem` has a repair. */

export interface Finding {
  readonly check: string;
  readonly result: 'ok' | 'note' | 'problem';
  readonly message: string;
  readonly repair?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, result: 'ok', message });

export const note = (check: string, message: string, repair?: string): Finding => ({
  check,
  result: 'note',
  message,
  ...(repair === undefined ? {} : { repair }),
});

export const problem = (check: string, message: string, repair: string): Finding => ({
  check,
  result: 'problem',
  message,
  repair,
});
