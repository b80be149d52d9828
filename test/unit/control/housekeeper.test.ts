import { afterEach, describe, expect, test } from '@jest/globals';
import { Housekeeper } from '../../../src/control/housekeeper.js';
import { TrustedTime } from '../../../src/control/trusted-time.js';
import { AppError } from '../../../src/model/errors.js';
import { SelfMetrics } from '../../../src/runtime/self-metrics.js';
import type { AgentStore, PurgeLimits } from '../../../src/storage/ports.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';

const PAGE = 3;
const NOW = 1_795_377_600_000;
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

/** Agents that are past their time, handed out a page at a time, and what was asked of storage. */
class House {
  readonly agents = new Map<string, { agentKey: number; status: string }>();
  readonly removed: string[] = [];
  readonly limits: PurgeLimits[] = [];
  readonly logger = new MemoryLogger();
  purgeSlices = 0;
  /** What alerting was asked to delete, and what it finds each time. */
  readonly alertPurges: number[] = [];
  readonly deliveryPurges: [number, number][] = [];
  alertSlices: number[] = [];
  deliverySlices: number[] = [];
  eraseSlices = 0;
  failure: Error | null = null;
  readonly metrics = new SelfMetrics();
  /** The wall clock and the monotonic one. */
  nowMs = NOW;
  uptimeMs = 5_000;
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
      alertHistoryMs: 4_000,
      cleanupIntervalMs: 3_600_000,
      batchMemoryMs: 10,
    };
    const { metrics, logger } = this;
    const time = new TrustedTime({ nowMs: () => this.nowMs }, logger, () => this.uptimeMs);
    const alerts = {
      purge: async (beforeMs: number) => {
        this.alertPurges.push(beforeMs);
        return this.alertSlices.shift() ?? 0;
      },
    };
    const deliveries = {
      purge: async (beforeMs: number, keep: number) => {
        this.deliveryPurges.push([beforeMs, keep]);
        return this.deliverySlices.shift() ?? 0;
      },
    };
    this.housekeeper = new Housekeeper({ store: store as AgentStore, alerts, deliveries, registry, settings, time, metrics, logger });
  }

  /** Time passes on both clocks. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.uptimeMs += ms;
  }

  async skipped(): Promise<number> {
    const { values } = await this.metrics.cleanupsSkipped.get();
    return values[0]?.value ?? 0;
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

  test('alerts that are over and notifications that are done go in slices as well', async () => {
    house = new House([]);
    house.alertSlices = [1_000, 1];
    house.deliverySlices = [7];
    await house.housekeeper.clean();
    expect(house.alertPurges).toEqual([1, 2, 3].map(() => NOW - 4_000));
    expect(house.deliveryPurges).toEqual([1, 2].map(() => [NOW - 30 * 24 * HOUR, 1_000]));
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

describe('Housekeeper, when the clock jumps', () => {
  test('nothing is deleted by its age; what deleted agents left is', async () => {
    house = new House(['a']);
    await house.housekeeper.clean();
    house.agents.set('b', { agentKey: 2, status: 'disconnected' });
    house.pass(HOUR);
    house.nowMs += YEAR;
    house.eraseSlices = 1;
    await house.housekeeper.clean();
    expect([house.limits, house.alertPurges, house.deliveryPurges].map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(house.removed).toEqual(['a']);
    expect(house.eraseSlices).toBe(-1);
    expect(await house.skipped()).toBe(1);
    expect(house.logger.of('error').map(({ meta }) => meta)).toEqual([
      { time: new Date(NOW + HOUR + YEAR).toISOString(), aheadHours: 365 * 24 },
    ]);
  });

  test('it is told once, and what was to go goes when the clock is right again', async () => {
    house = new House([]);
    await house.housekeeper.clean();
    house.nowMs += YEAR;
    for (let round = 0; round < 3; round += 1) {
      house.pass(HOUR);
      await house.housekeeper.clean();
    }
    expect(house.limits).toHaveLength(1);
    house.nowMs -= YEAR;
    await house.housekeeper.clean();
    expect(house.limits.map(({ samplesBeforeMs }) => samplesBeforeMs)).toEqual([NOW - 1_000, NOW + 3 * HOUR - 1_000]);
    expect(house.logger.of('error')).toHaveLength(1);
    expect(await house.skipped()).toBe(3);
  });

  test('a new time is accepted when it has held for 24 hours', async () => {
    house = new House([]);
    await house.housekeeper.clean();
    house.nowMs += 2 * HOUR;
    await house.housekeeper.clean();
    house.pass(24 * HOUR - 1);
    await house.housekeeper.clean();
    expect(house.limits).toHaveLength(1);
    house.pass(1);
    await house.housekeeper.clean();
    expect(house.limits).toHaveLength(2);
    expect(house.logger.of('warn')).toHaveLength(1);
    house.pass(HOUR);
    await house.housekeeper.clean();
    expect(house.limits).toHaveLength(3);
  });

  test('another jump begins the 24 hours anew', async () => {
    house = new House([]);
    await house.housekeeper.clean();
    house.nowMs += YEAR;
    await house.housekeeper.clean();
    house.pass(23 * HOUR);
    house.nowMs += YEAR;
    await house.housekeeper.clean();
    house.pass(23 * HOUR);
    await house.housekeeper.clean();
    expect(house.limits).toHaveLength(1);
    house.pass(HOUR);
    await house.housekeeper.clean();
    expect(house.limits).toHaveLength(2);
  });

  test('a restart accepts whatever the clock says', async () => {
    house = new House([]);
    house.housekeeper.start();
    await house.housekeeper.clean();
    await house.housekeeper.stop();
    house.nowMs += YEAR;
    house.housekeeper.start();
    await house.housekeeper.clean();
    expect(house.limits.map(({ samplesBeforeMs }) => samplesBeforeMs)).toEqual([NOW - 1_000, NOW + YEAR - 1_000]);
    expect(house.logger.of('error')).toEqual([]);
  });

  test('what clocks do is no jump: being set by less than an hour, or back', async () => {
    house = new House([]);
    await house.housekeeper.clean();
    house.pass(HOUR);
    house.nowMs += HOUR;
    await house.housekeeper.clean();
    house.pass(HOUR);
    house.nowMs -= YEAR;
    await house.housekeeper.clean();
    expect(house.limits).toHaveLength(3);
    expect(house.logger.of('error')).toEqual([]);
  });
});
