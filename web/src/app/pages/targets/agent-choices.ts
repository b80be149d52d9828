/** The agents that can be chosen for a target. Pure. */
import type { Agent } from '../../core/api-types';

export interface Choice {
  readonly id: string;
  /** Where it is and whether it is there. */
  readonly note: string;
}

type Known = Pick<Agent, 'id' | 'provider' | 'region' | 'status'>;

/**
 * Those in `first` on top, then the others, by id each. Chosen ones that are not known (deleted, or not yet connected) are among
 * them: they must be seen to be taken away.
 */
export function choicesOf(agents: readonly Known[], first: ReadonlySet<string>, search: string): Choice[] {
  const known = new Set(agents.map(({ id }) => id));
  const choices = [
    ...agents.map(({ id, provider, region, status }) => ({ id, note: [provider, region, status].filter(Boolean).join(' · ') })),
    ...[...first].filter((id) => !known.has(id)).map((id) => ({ id, note: 'not known' })),
  ];
  const words = search.toLowerCase().split(/\s+/);
  return choices
    .filter(({ id, note }) => words.every((word) => `${id} ${note}`.toLowerCase().includes(word)))
    .sort((a, b) => Number(first.has(b.id)) - Number(first.has(a.id)) || (a.id < b.id ? -1 : 1));
}
