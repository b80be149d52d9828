import { beforeEach, describe, expect, test } from '@jest/globals';
import { AlertQueries } from '../../../src/alerting/alert-queries.js';
import { SilenceService } from '../../../src/alerting/silence-service.js';
import type { Alert } from '../../../src/model/alert.js';
import { alertOf } from '../../helpers/alerts.js';
import { MemorySilenceStore } from '../../helpers/memory-alert-stores.js';
import { turnsDuring } from '../../helpers/turns-during.js';

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 0, 31, 12);

let store: MemorySilenceStore;
let service: SilenceService;
let nowMs: number;
beforeEach(async () => {
  nowMs = T0;
  store = new MemorySilenceStore();
  service = new SilenceService({ store, clock: { nowMs: () => nowMs } });
  await service.start();
});

const onAgent = (value: string, more: object = {}): object => ({ matchers: [{ label: 'agent', value }], ...more });

describe('silences, as people ask for them', () => {
  test('are listed newest first, with their state at that time', async () => {
    await service.create(onAgent('a', { duration: '1h' }));
    nowMs += 1;
    await service.create(onAgent('b', { recurrence: { cron: '0 14 * * *', duration: '1h' } }));
    const states = async () => (await service.list()).silences.map(({ state }) => state);
    expect(await states()).toEqual(['pending', 'active']);
    nowMs = T0 + 2 * HOUR;
    expect(await states()).toEqual(['active', 'expired']);
    nowMs = T0 + 3 * HOUR;
    expect(await states()).toEqual(['pending', 'expired']);
  });

  test('hold from the moment they are changed, and no longer when they are gone', async () => {
    const quiet = (agent: string) => service.set.silencing({ agent }, nowMs);
    const { id } = await service.create(onAgent('a', { duration: '1h' }));
    const other = await service.create(onAgent('c', { duration: '1h' }));
    expect([quiet('a'), quiet('b'), quiet('c')]).toEqual([[id], [], [other.id]]);
    await service.update(id, onAgent('b'));
    expect([quiet('a'), quiet('b'), quiet('c')]).toEqual([[], [id], [other.id]]);
    await service.remove(id);
    expect([quiet('b'), quiet('c')]).toEqual([[], [other.id]]);
    await expect(service.remove(id)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a failed write changes nothing', async () => {
    store.failWith = new Error('no room');
    await expect(service.create(onAgent('a', { duration: '1h' }))).rejects.toThrow('no room');
    expect((await service.list()).silences).toEqual([]);
  });

  test('hundreds of maintenance windows do not hold up the event loop, nor are they worked out again for each look', async () => {
    for (let i = 0; i < 400; i += 1) {
      await store.create(
        {
          matchers: [],
          startsAtMs: 0,
          endsAtMs: null,
          recurrence: { cron: `${i % 60} ${i % 24} * * 0`, durationMs: HOUR, timeZone: 'Europe/Berlin' },
          author: '',
          comment: '',
        },
        T0,
      );
    }
    const restarted = new SilenceService({ store, clock: { nowMs: () => nowMs } });
    const { turns } = await turnsDuring(restarted.start());
    expect(turns).toBeGreaterThan(1);
    expect((await turnsDuring(restarted.list())).turns).toBeLessThan(turns / 2);
  });
});

describe('active alerts', () => {
  function queriesOf(alerts: Alert[]): AlertQueries {
    return new AlertQueries({
      evaluator: {
        alerts: () => alerts,
        counts: () => ({ pending: 0, firing: alerts.length, bySeverity: new Map() }),
        acknowledge: (id) => Promise.resolve(alerts.find((alert) => alert.id === id) ?? null),
        dismiss: () => Promise.resolve(null),
      },
      history: { history: () => Promise.resolve({ alerts: [], total: 0 }) },
      silences: service,
      clock: { nowMs: () => nowMs },
      isEnabled: true,
    });
  }
  const ALL = { state: 'all', severity: null, ruleId: null, agentId: null, silenced: null, limit: 100, offset: 0 } as const;

  test('say which silences keep them quiet, and are found by that', async () => {
    const { id } = await service.create(onAgent('a', { duration: '1h' }));
    const queries = queriesOf([alertOf('a'), alertOf('b')]);
    const found = async (silenced: boolean | null) =>
      (await queries.active({ ...ALL, silenced })).alerts.map((alert) => [alert.id, alert.silenced_by]);
    expect(await found(null)).toEqual([
      ['a', [id]],
      ['b', []],
    ]);
    expect(await found(true)).toEqual([['a', [id]]]);
    expect(await found(false)).toEqual([['b', []]]);
    expect((await queries.active({ ...ALL, limit: 1 })).counts).toMatchObject({ firing: 2, silenced: 1 });
    expect(await queries.acknowledge('a', null)).toMatchObject({ id: 'a', silenced_by: [id] });
  });

  test('many of them are held against patterns that take their time with breaths in between', async () => {
    await service.create({ matchers: [{ label: 'note', value: '(.*.*.*.*){10}x', is_regex: true }], duration: '1h' });
    const alerts = Array.from({ length: 50 }, (_, i) => alertOf(String(i), { labels: { note: 'a'.repeat(1_000) } }));
    expect((await turnsDuring(queriesOf(alerts).active(ALL))).turns).toBeGreaterThan(1);
  });
});
