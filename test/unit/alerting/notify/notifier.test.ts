import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Notifier } from '../../../../src/alerting/notify/notifier.js';
import { SilenceSet } from '../../../../src/alerting/silences.js';
import type { Alert, Channel, NewDelivery, Silence } from '../../../../src/model/alert.js';
import type { Tags } from '../../../../src/model/metric.js';
import { alertOf, channelOf, resolvedOf } from '../../../helpers/alerts.js';
import { MemoryAlertStores } from '../../../helpers/memory-alert-stores.js';
import { MemoryLogger } from '../../../helpers/memory-logger.js';
import { turnsDuring } from '../../../helpers/turns-during.js';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

let stores: MemoryAlertStores;
let channels: Channel[];
let silences: Silence[];
let nowMs: number;
let logger: MemoryLogger;
let taken: NewDelivery[];
let reloads: number;
let notifier: Notifier;

function newNotifier(silenceSet = () => new SilenceSet(silences)): Notifier {
  return new Notifier({
    active: () => stores.alerts.active(),
    history: (query) => stores.alerts.history(query),
    silences: silenceSet,
    channels: () => channels,
    deliveries: stores.deliveries,
    sender: {
      take: (deliveries) => void taken.push(...deliveries.map(({ id }) => stores.deliveries.deliveries.get(id)!)),
      reload: () => void (reloads += 1),
    },
    clock: { nowMs: () => nowMs },
    logger,
  });
}

/** The process ends and another one starts: only what was stored is known. */
function restart(): void {
  notifier = newNotifier();
}

async function fire(id: string, fields: Partial<Alert> = {}): Promise<void> {
  await stores.alerts.save([alertOf(id, { firingSinceMs: nowMs, startedAtMs: nowMs, ...fields })]);
  notifier.alertsChanged();
}

async function resolve(id: string): Promise<void> {
  await stores.alerts.save([resolvedOf(stores.alerts.rows.get(id)!, nowMs)]);
}

/** Lets time pass, plans, and answers what was newly stored for sending. */
async function after(ms: number): Promise<string[]> {
  nowMs += ms;
  taken = [];
  await notifier.run();
  return taken.map(({ payloadJson }) =>
    JSON.parse(payloadJson)
      .alerts.map((alert: { id: string; status: string }) => `${alert.status === 'firing' ? '+' : '-'}${alert.id}`)
      .join(' '),
  );
}

beforeEach(() => {
  stores = new MemoryAlertStores();
  channels = [channelOf({ groupBy: ['agent'] })];
  silences = [];
  nowMs = 1_000 * HOUR;
  logger = new MemoryLogger();
  reloads = 0;
  restart();
});

afterEach(() => notifier.stop());

describe('Notifier', () => {
  test('stores what is to be told before it is sent, with the state of the group', async () => {
    await fire('a');
    expect(await after(30 * SECOND)).toEqual(['+a']);
    expect([...stores.deliveries.deliveries.values()]).toEqual(taken);
    expect(taken[0]).toMatchObject({
      status: 'waiting',
      attempts: 0,
      channelId: 'channel-1',
      groupKey: '{"agent":"a"}',
      createdAtMs: nowMs,
    });
    expect(await stores.deliveries.groups()).toMatchObject([{ toldFiring: ['a'], lastToldAtMs: nowMs }]);
    expect(await after(SECOND)).toEqual([]);
  });

  test('tells nothing twice after a restart, and nothing less', async () => {
    await fire('a');
    expect(await after(10 * SECOND)).toEqual([]);
    restart();
    expect(await after(20 * SECOND)).toEqual(['+a']);
    restart();
    expect(await after(SECOND)).toEqual([]);
    await resolve('a');
    restart();
    expect(await after(MINUTE)).toEqual([]);
    restart();
    expect(await after(5 * MINUTE)).toEqual(['-a']);
    restart();
    expect(await after(HOUR)).toEqual([]);
    expect(await stores.deliveries.groups()).toEqual([]);
  });

  test('finds what is over among many others, and only once', async () => {
    await fire('a');
    await after(MINUTE);
    await resolve('a');
    nowMs += SECOND;
    await stores.alerts.save(Array.from({ length: 1_234 }, (_, i) => resolvedOf(alertOf(`other-${i}`), nowMs)));
    let asked = 0;
    const history = stores.alerts.history.bind(stores.alerts);
    stores.alerts.history = (query) => {
      asked += 1;
      return history(query);
    };
    expect(await after(MINUTE)).toEqual([]);
    expect(asked).toBe(3);
    expect(await after(5 * MINUTE)).toEqual(['-a']);
    expect(asked).toBe(3);
  });

  test('need not look for what it was told is over', async () => {
    await fire('a');
    await after(MINUTE);
    await resolve('a');
    notifier.alertsChanged([stores.alerts.rows.get('a')!]);
    stores.alerts.history = () => Promise.reject(new Error('was asked'));
    expect(await after(5 * MINUTE)).toEqual(['-a']);
  });

  test('forgets what nobody knows any more', async () => {
    await fire('a');
    await after(MINUTE);
    stores.alerts.rows.clear();
    expect(await after(9 * MINUTE)).toEqual([]);
    expect(await stores.deliveries.groups()).toHaveLength(1);
    expect(await after(11 * MINUTE)).toEqual([]);
    expect(await stores.deliveries.groups()).toHaveLength(0);
  });

  test('plans again when storage failed, and does not tell twice when it had not', async () => {
    await fire('a');
    stores.deliveries.failWith = new Error('disk full');
    expect(await after(MINUTE)).toEqual([]);
    expect(await after(SECOND)).toEqual([]);
    expect(logger.of('warn')).toHaveLength(1);
    stores.deliveries.failWith = null;
    expect(await after(MINUTE)).toEqual(['+a']);
    expect(logger.of('info')).toHaveLength(1);
    // It is stored, but the answer is lost.
    await fire('b');
    const enqueue = stores.deliveries.enqueue.bind(stores.deliveries);
    stores.deliveries.enqueue = async (...args) => {
      await enqueue(...args);
      throw new Error('the thread ended');
    };
    expect(await after(MINUTE)).toEqual([]);
    stores.deliveries.enqueue = enqueue;
    expect(await after(MINUTE)).toEqual([]);
    expect(logger.of('warn')).toHaveLength(2);
    expect(reloads).toBe(3);
    expect([...stores.deliveries.deliveries.values()].map(({ groupKey }) => groupKey)).toEqual(['{"agent":"a"}', '{"agent":"b"}']);
  });

  test('every channel is told on its own, and those switched off are not', async () => {
    channels = [
      channelOf({ groupBy: ['agent'] }),
      channelOf({ id: 'critical', matchers: [{ label: 'severity', value: 'critical', isRegex: false, isEqual: true }] }),
      channelOf({ id: 'off', enabled: false }),
    ];
    await fire('a');
    await fire('b', { labels: { alertname: 'X', severity: 'critical', agent: 'b' } });
    expect(await after(MINUTE)).toEqual(['+a', '+b', '+b']);
    expect(taken.map(({ channelId }) => channelId)).toEqual(['channel-1', 'channel-1', 'critical']);
  });

  test('silences hold, and what they held back is told at their end', async () => {
    silences = [
      {
        id: 's',
        matchers: [{ label: 'agent', value: 'a|b', isRegex: true, isEqual: true }],
        startsAtMs: nowMs,
        endsAtMs: nowMs + HOUR,
        recurrence: null,
        author: '',
        comment: '',
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
      },
    ];
    await fire('a');
    await fire('c');
    expect(await after(MINUTE)).toEqual(['+c']);
    expect(await after(58 * MINUTE)).toEqual([]);
    expect(await after(MINUTE)).toEqual(['+a']);
  });

  test('judges silences once for all channels, and the event loop goes on meanwhile', async () => {
    channels = Array.from({ length: 20 }, (_, i) => channelOf({ id: `channel-${i}`, groupBy: [] }));
    let judged = 0;
    const silenced = (labels: Tags): boolean => {
      judged += 1;
      for (const sinceMs = performance.now(); performance.now() - sinceMs < 0.1; );
      return labels.agent !== 'a7';
    };
    const set = { at: () => silenced } as unknown as SilenceSet;
    notifier = newNotifier(() => set);
    await stores.alerts.save(Array.from({ length: 500 }, (_, i) => alertOf(`a${i}`)));
    const { result: told, turns } = await turnsDuring(after(MINUTE));
    expect(told).toEqual(channels.map(() => '+a7'));
    expect(judged).toBe(500);
    // At least 50 ms of judging in slices of eight; one turn for each channel comes on top.
    expect(turns).toBeGreaterThan(channels.length + 3);
  });

  test('people get the worst alerts and a count of the others, programs get all', async () => {
    channels = [channelOf({ type: 'slack', groupBy: [] }), channelOf({ id: 'am', type: 'alertmanager', groupBy: [] })];
    await stores.alerts.save(
      Array.from({ length: 450 }, (_, i) =>
        alertOf(`a${i}`, {
          labels: { alertname: 'X', severity: i === 449 ? 'critical' : 'info' },
          annotations: { long: 'x'.repeat(10_000) },
        }),
      ),
    );
    await after(MINUTE);
    const sent = taken.map(({ channelId, payloadJson }) => ({ channelId, ...JSON.parse(payloadJson) }));
    const [people, ...programs] = sent;
    expect([people.channelId, people.alerts.length, people.omittedAlerts, people.alerts[0].id]).toEqual(['channel-1', 50, 400, 'a449']);
    expect(new Set(programs.flatMap(({ alerts }) => alerts.map(({ id }: { id: string }) => id))).size).toBe(450);
    for (const { payloadJson } of taken) expect(payloadJson.length).toBeLessThan(600_000);
  });

  test('plans by itself', async () => {
    await fire('a', { firingSinceMs: nowMs - MINUTE });
    taken = [];
    const stored = new Promise<void>((done) => {
      const enqueue = stores.deliveries.enqueue.bind(stores.deliveries);
      stores.deliveries.enqueue = (...args) => enqueue(...args).finally(done);
    });
    notifier.start();
    await stored;
    expect(await stores.deliveries.groups()).toMatchObject([{ toldFiring: ['a'] }]);
  });
});
