/**
 * Subjects, queue names and subscription ids travel as bytes. Inside the broker each byte is one character of a
 * string ("wire text"): nothing is lost or replaced when a client sends bytes that are not UTF-8, lengths are byte
 * lengths, and the engine keeps such strings in one byte per character. In-process clients use real text; these two
 * functions are the border.
 */

const BEYOND_ASCII = /[^\0-\x7f]/;

export function toWireText(text: string): string {
  return BEYOND_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

export function fromWireText(wire: string): string {
  return BEYOND_ASCII.test(wire) ? Buffer.from(wire, 'latin1').toString('utf8') : wire;
}
