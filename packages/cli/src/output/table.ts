/** Columns for people: as wide as their content, two spaces apart. */

import { type Paint, plain } from './colour.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Applied after the padding, so that colours do not count as width. */
  readonly paint?: (row: Row, text: string) => string;
}

/** @param width of the terminal: what the last column has beyond it is cut off. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  paint: Paint = plain,
  width = Number.POSITIVE_INFINITY,
): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, each) => sum + each + 2, 0);
  const room = Math.max(columns[last]?.title.length ?? 0, width - before);
  const pad = (text: string, index: number): string => {
    if (columns[index]?.align === 'right') return text.padStart(widths[index] ?? 0);
    if (index < last) return text.padEnd(widths[index] ?? 0);
    return text.length > room ? `${text.slice(0, room - 1)}…` : text;
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
