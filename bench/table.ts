/** A plain table for people: columns as wide as they need, numbers to the right. */

export type Cell = string | number;

export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const text = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)),
  );
  const widths = header.map((title, column) =>
    Math.max(title.length, ...text.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[], numeric: (column: number) => boolean) =>
    cells
      .map((cell, column) =>
        numeric(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  const isNumber = (column: number) => typeof rows[0]?.[column] === 'number';
  return [line(header, isNumber), ...text.map((row) => line(row, isNumber))].join('\n');
}
