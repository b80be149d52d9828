/** Names with their texts (labels, annotations) as lines of a form. Pure. */
import type { Tags } from '../../core/api-types';

export interface Pair {
  readonly name: string;
  readonly value: string;
}

export function pairsOf(tags: Tags): Pair[] {
  return Object.entries(tags).map(([name, value]) => ({ name, value }));
}

/** Lines without a name are left out; of the same name the last counts. */
export function tagsOf(pairs: readonly Pair[]): Tags {
  return Object.fromEntries(pairs.filter(({ name }) => name.trim() !== '').map(({ name, value }) => [name.trim(), value]));
}
