import { afterEach, describe, expect, test } from '@jest/globals';
import { Housekeeper } from '../../../src/control/housekeeper.js';
import { AppError } from '../../../src/model/errors.js';
import type { AgentStore, PurgeLimits } from '../../../src/storage/ports.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';

const PAGE = 3;
const NOW = 1_795_377_600_000;

/** Agents that are past their time, handed out a page at a time, and what was asked of storage. */
class House {
  readonly agents = new Map<string, { agentKey: number; status: string }>();
  readonly removed: string[] = [];
  readonly limits: PurgeLimits[] = [];
  readonly logger = new MemoryLogger();
  purgeSlices = 0;
  eraseSlices = 0;
  failure: Error | null = null;
  readonly housekeeper: Housekeeper;

  constructor(agents: readonly string[]) {
    for (const [i, id] of agents.entries()) this.agents.set(id, { agentKey: i + 1, status: 'disconnected' });
    const store: Pick<AgentStore, 'purge' | 'expired' | 'eraseDeleted'> = {
      purge: async (limits) => {
        if (this.failure !== null) throw this.failure;
        this.limits.push(limits);
        return this.purgeSlices-- > 0;
      },
      expired: async () => Array.from(this.agents, ([id, { agentKey }]) => ({ id, agentKey })).slice(0, PAGE),
      eraseDeleted: async () => this.eraseSlices-- > 0,
    };
    const registry = {
      find: (id: string) => this.agents.get(id) ?? null,
      remove: async (id: string) => {
        this.removed.push(id);
        return this.agents.delete(id);
      },
    };
    const settings = {
      retentionMs: 1_000,
      fiveMinuteRetentionMs: 2_000,
      oneHourRetentionMs: 3_000,
      cleanupIntervalMs: 3_600_000,
      batchMemoryMs: 10,
    };
    this.housekeeper = new Housekeeper(store as AgentStore, registry, settings, { nowMs: () => NOW }, this.logger);
  }
}

let house: House;
afterEach(() => house.housekeeper.stop());

describe('Housekeeper', () => {
  test('a round deletes in slices until nothing is left', async () => {
    house = new House([]);
    house.purgeSlices = 2;
    house.eraseSlices = 2;
    await house.housekeeper.clean();
    expect(house.limits).toEqual(
      [1, 2, 3].map(() => ({
        samplesBeforeMs: NOW - 1_000,
        fiveMinutesBeforeMs: NOW - 2_000,
        oneHourBeforeMs: NOW - 3_000,
        receiptsBeforeMs: NOW - 10,
        activitiesBeforeMs: NOW - 1_000,
      })),
    );
    expect(house.eraseSlices).toBe(-1);
  });

  test('every expired agent goes in one round, however many pages they are', async () => {
    const ids = Array.from({ length: 2 * PAGE + 1 }, (_, i) => `agent-${i}`);
    house = new House(ids);
    await house.housekeeper.clean();
    expect(house.removed).toEqual(ids);
  });

  test('an agent that is back, or another one under the same id, stays', async () => {
    house = new House(['a', 'b', 'c']);
    house.agents.set('b', { agentKey: 2, status: 'connected' });
    await house.housekeeper.clean();
    expect(house.removed).toEqual(['a', 'c']);
  });

  test('a round that fails is logged, and the next one goes on', async () => {
    house = new House(['a']);
    house.failure = new AppError('storage_full', 'no room');
    await house.housekeeper.clean();
    expect(house.logger.of('warn')).toHaveLength(1);
    house.failure = null;
    await house.housekeeper.clean();
    expect(house.removed).toEqual(['a']);
  });

  test('a stop waits for what is under way and leaves the rest', async () => {
    house = new House([]);
    house.purgeSlices = 1_000_000;
    house.housekeeper.start();
    await house.housekeeper.stop();
    expect(house.limits.length).toBeLessThan(10);
    expect(house.removed).toEqual([]);
  });
});
