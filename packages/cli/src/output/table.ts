/** Columns for people: as wide as their content, two spaces apart. */

import { type Paint, plain } from './colour.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Applied after the padding, so that colours do not count as width. */
  readonly paint?: (row: Row, text: string) => string;
}

export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  paint: Paint = plain,
): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const pad = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    if (columns[index]?.align === 'right') return text.padStart(width);
    return index === columns.length - 1 ? text : text.padEnd(width);
  };
  const header = paint('dim', columns.map((column, index) => pad(column.title, index)).join('  '));
  const lines = rows.map((row, at) =>
    columns
      .map((column, index) => {
        const text = pad(cells[at]?.[index] ?? '', index);
        return column.paint?.(row, text) ?? text;
      })
      .join('  '),
  );
  return [header, ...lines].map((line) => `${line.trimEnd()}\n`).join('');
}
