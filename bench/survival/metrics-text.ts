/** Reads one number out of a metrics text (OpenMetrics or Prometheus). */

/** The sum of the series of `name` that have all these labels; 0 for none. */
export function sumOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name)) continue;
    const series = /^([^\s{]+)(?:\{([^}]*)\})?\s+(\S+)/.exec(line);
    if (series?.[1] !== name) continue;
    const own = (series[2] ?? '').split(',');
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    if (wanted.every((label) => own.includes(label))) sum += Number(series[3]);
  }
  return sum;
}
