/** Text from anywhere, for a terminal: it must not move the cursor, or change the colours, of whoever reads it. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '�');
}
