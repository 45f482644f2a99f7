/** Keeps secrets out of logs, whoever wrote them: a URL in an error message is enough to leak a token. */

export function scrubber(secrets: readonly string[]): (line: string) => string {
  return (line) => {
    let clean = line;
    for (const secret of secrets) {
      if (clean.includes(secret)) clean = clean.replaceAll(secret, '[secret]');
    }
    return clean;
  };
}
