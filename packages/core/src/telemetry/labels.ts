/** The labels of a metric: what tells one series of a family from another. */
export type Labels = Readonly<Record<string, string>>;

const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * One text for one set of labels, whatever the order they were named in. It is also how both text formats write them.
 * @throws TypeError for a name that no metrics format can carry.
 */
export function labelKey(labels: Labels): string {
  const names = Object.keys(labels);
  if (names.length > 1) names.sort();
  let key = '';
  for (const name of names) {
    if (!labelName.test(name) || name.startsWith('__') || name === 'le' || name === 'quantile')
      throw new TypeError(
        `'${name}' cannot be a label: use letters, digits and '_', and neither 'le' nor 'quantile'`,
      );
    if (key) key += ',';
    key += `${name}="${escapeQuoted(labels[name]!)}"`;
  }
  return key;
}

/** Escapes what stands between quotes, the same in Prometheus text 0.0.4 and OpenMetrics 1.0. */
export function escapeQuoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
