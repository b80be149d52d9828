/**
 * Whether a name is meant by a list of names, of which those that end in `*` stand for all that begin like them.
 * An empty list means nothing here: whoever asks says what it stands for.
 */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}
