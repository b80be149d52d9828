import { createHash } from 'node:crypto';

/** Where in each interval an agent collects, in [0, 1): always the same for the same id, and evenly spread over many. */
export function phaseOf(agentId: string): number {
  return createHash('sha256').update(agentId).digest().readUInt32BE() / 2 ** 32;
}
