import { isAppError } from '../../model/errors.js';

/**
 * Which agents have gaps, on the main thread: most fleets have none, and a query should not go to a reader thread to hear
 * that. Changes arrive in the order in which they were committed. May name an agent too many, never one too few: where
 * nobody knows what became of a write, the agent counts.
 */
export class KnownGaps {
  private readonly agents = new Set<number>();

  get keys(): ReadonlySet<number> {
    return this.agents;
  }

  /** What the database says, before anything is written. */
  load(agentKeys: readonly number[]): void {
    this.agents.clear();
    for (const agentKey of agentKeys) this.agents.add(agentKey);
  }

  note(agentKey: number, hasGaps: boolean): void {
    if (hasGaps) this.agents.add(agentKey);
    else this.agents.delete(agentKey);
  }

  /** Passes on what a write answers. @param hasGaps what that says of the agent; null for nothing */
  async watch<T>(agentKey: number, write: Promise<T>, hasGaps: (result: T) => boolean | null): Promise<T> {
    try {
      const result = await write;
      const said = hasGaps(result);
      if (said !== null) this.note(agentKey, said);
      return result;
    } catch (error) {
      if (isAppError(error) && error.code === 'storage_unavailable') this.agents.add(agentKey);
      throw error;
    }
  }
}
