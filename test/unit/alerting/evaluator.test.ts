import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultRules } from '../../../src/alerting/default-rules.js';
import type { TotalsQuery } from '../../../src/storage/ports.js';
import { AppError } from '../../../src/model/errors.js';
import { AlertWorld, MINUTE, metricRule, SECOND, T0 } from '../../helpers/alert-world.js';

const INTERVAL = 10 * SECOND;

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld();
  world.addAgent('a');
  world.addAgent('b');
  await world.start();
});
afterEach(() => world.stop());

/** One sample per interval, and an evaluation after each. */
async function samples(...values: number[]): Promise<void> {
  for (const value of values) {
    world.wait(INTERVAL - 1);
    world.sample(value);
    await world.pass(1);
  }
}

const LAST = { aggregation: 'last' } as const;

describe('the cycle of a group', () => {
  test('pending, firing after its for, resolved when it is well', async () => {
    await world.addRule(metricRule(LAST, { forMs: 20 * SECOND }));
    await samples(5, 11);
    expect(world.state()).toBe('pending');
    const since = world.nowMs;
    await samples(12, 13);
    expect(world.news()).toEqual(['pending', 'firing']);
    expect(world.evaluator.alerts()).toMatchObject([
      { state: 'firing', value: 13, startedAtMs: since, firingSinceMs: since + 20 * SECOND, agentId: 'a', groupKey: '{"agent":"a"}' },
    ]);
    await samples(5);
    expect(world.news()).toEqual(['resolved: recovered']);
    expect(world.state()).toBe('');
    const { alerts } = await world.stores.alerts.history({ limit: 10, offset: 0 });
    expect(alerts).toMatchObject([{ state: 'resolved', value: 5, resolvedAtMs: world.nowMs }]);
  });

  test('a pending one that is well leaves no trace', async () => {
    await world.addRule(metricRule(LAST, { forMs: MINUTE }));
    await samples(11, 5);
    expect(world.news()).toEqual(['pending', 'resolved: recovered']);
    expect(world.stores.alerts.rows.size).toBe(0);
    expect(world.systemAlerts).toEqual([]);
  });

  test('goes on firing for a while', async () => {
    await world.addRule(metricRule(LAST, { keepFiringForMs: 20 * SECOND }));
    await samples(11, 5, 5, 11);
    expect(world.news()).toEqual(['firing', 'firing, well', 'firing']);
    await samples(5, 5);
    expect(world.state()).toBe('firing, well');
    await samples(5);
    expect(world.news()).toEqual(['firing, well', 'resolved: recovered']);
  });

  test('hysteresis: what fires is well by the recovery threshold, what does not by the threshold', async () => {
    await world.addRule(metricRule({ ...LAST, recoveryThreshold: 8 }, { keepFiringForMs: 20 * SECOND }));
    await samples(9);
    expect(world.state()).toBe('');
    await samples(11, 9, 8.5);
    expect(world.state()).toBe('firing');
    await samples(8);
    expect(world.state()).toBe('firing, well');
    await samples(9);
    expect(world.state()).toBe('firing');
    await samples(7, 7, 7, 9);
    expect(world.state()).toBe('');
  });

  test('a group that is bad again is another alert', async () => {
    await world.addRule(metricRule(LAST));
    await samples(11);
    const [first] = world.evaluator.alerts();
    await samples(5, 11);
    const [second] = world.evaluator.alerts();
    expect(second!.groupKey).toBe(first!.groupKey);
    expect(second!.id).not.toBe(first!.id);
  });
});

describe('what is looked at', () => {
  test.each([
    ['avg', 20],
    ['sum', 60],
    ['min', 10],
    ['max', 30],
    ['count', 3],
    ['last', 20],
    ['p50', 20],
    ['p90', 28],
  ] as const)('%s of a window', async (aggregation, value) => {
    await world.addRule(metricRule({ aggregation, condition: 'gte', threshold: 0 }));
    world.sample(1_000, { timestampMs: T0 - MINUTE + INTERVAL - 1 });
    world.sample(10, { timestampMs: T0 - MINUTE + INTERVAL });
    world.sample(30, { timestampMs: T0 });
    world.sample(20, { timestampMs: T0 + SECOND });
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts()).toMatchObject([{ value }]);
  });

  test.each([
    ['increase', 15],
    ['rate', 0.375],
  ] as const)('%s of a counter that began again', async (aggregation, value) => {
    await world.addRule(metricRule({ aggregation, condition: 'gte', threshold: 0 }));
    const counter = { type: 'counter', tags: { interface: 'eth0' } } as const;
    for (const [i, count] of [100, 110, 5].entries()) world.sample(count, { ...counter, timestampMs: T0 - 40 * SECOND + i * 20 * SECOND });
    world.sample(1, { ...counter, tags: { interface: 'eth1' }, timestampMs: T0 });
    world.sample(1, { agentId: 'b', timestampMs: T0 - SECOND });
    world.sample(2, { agentId: 'b', timestampMs: T0 });
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts()).toMatchObject([{ labels: { agent: 'a', interface: 'eth0' }, value }]);
  });

  test('percentiles of a group of several series are of all their samples', async () => {
    await world.addRule(metricRule({ aggregation: 'p50', condition: 'gte', threshold: 0, by: ['agent'] }, { name: 'shared' }));
    await world.addRule(metricRule({ aggregation: 'p50', condition: 'gte', threshold: 0 }, { name: 'alone' }));
    for (const [i, value] of [1, 2, 3, 50].entries()) world.sample(value, { tags: { core: '0' }, timestampMs: T0 + i });
    world.sample(100, { tags: { core: '1' }, timestampMs: T0 });
    await world.pass(INTERVAL);
    const values = world.evaluator.alerts().map(({ labels, value }) => [labels.alertname, labels.core, value]);
    expect(values).toEqual([
      ['shared', undefined, 3],
      ['alone', '0', 2.5],
      ['alone', '1', 100],
    ]);
  });

  test.each([
    [['agent'], { agent: 'a' }],
    [['name'], { name: 'load' }],
    // Of what is told by all tags, groups of several series are those that differ in target_ip only.
    [null, { agent: 'a', target: 'x' }],
  ])('percentiles of several metrics by %j are each of its own samples', async (by, labels) => {
    const alike = { condition: 'gte', threshold: 0, by } as const;
    await world.addRule(metricRule({ ...alike, aggregation: 'p50' }, { name: 'half of load' }));
    await world.addRule(metricRule({ ...alike, aggregation: 'p99', metricName: 'ping' }, { name: 'most of ping' }));
    await world.addRule(metricRule({ ...alike, aggregation: 'p50', metricName: 'ping' }, { name: 'half of ping' }));
    for (const [name, values] of [
      ['load', [1, 2, 6]],
      ['ping', [10, 30, 80]],
    ] as const) {
      for (const [i, value] of values.entries())
        world.sample(value, { name, tags: { target: 'x', target_ip: String(i) }, timestampMs: T0 + i });
    }
    await world.pass(INTERVAL);
    const values = world.evaluator.alerts().map((alert) => [alert.labels.alertname, alert.value]);
    expect(values).toEqual([
      ['half of load', 2],
      ['most of ping', 79],
      ['half of ping', 30],
    ]);
    expect(world.evaluator.alerts()[0]?.labels).toMatchObject(labels);
  });

  test.each(['last', 'avg', 'p90'] as const)('%s of a series that is new', async (aggregation) => {
    await world.addRule(metricRule({ aggregation }));
    await samples(1, 1);
    world.sample(50, { agentId: 'b' });
    await samples(1, 1);
    expect(world.states()).toEqual({ '{"agent":"b"}': 'firing' });
  });

  test.each([
    ['agents', { agentIds: ['b', 'c'] }, ['b x', 'b y', 'c x']],
    ['providers', { providers: ['gcp', 'azure'] }, ['a x', 'a y', 'c x']],
    ['regions', { regions: ['eu'] }, ['a x', 'a y', 'b x', 'b y']],
    ['tags', { tags: [{ key: 'disk', value: 'y' }] }, ['a y', 'b y']],
    ['all of that', { agentIds: ['a', 'b'], providers: ['aws'], regions: ['eu'], tags: [{ key: 'disk', value: 'x' }] }, ['b x']],
  ] as const)('a filter by %s', async (_, filter, expected) => {
    world = new AlertWorld();
    world.addAgent('a', { provider: 'gcp', region: 'eu' });
    world.addAgent('b', { provider: 'aws', region: 'eu' });
    world.addAgent('c', { provider: 'gcp', region: 'us' });
    await world.start();
    for (const aggregation of ['last', 'max', 'p50'] as const) {
      await world.addRule(metricRule({ aggregation }, { name: aggregation, filter }));
    }
    for (const series of ['a x', 'a y', 'b x', 'b y', 'c x']) {
      const [agentId = '', disk = ''] = series.split(' ');
      world.sample(11, { agentId, tags: { disk } });
    }
    await world.pass(INTERVAL);
    const found = world.evaluator.alerts().map(({ labels: { alertname, agent, disk } }) => [alertname, `${String(agent)} ${String(disk)}`]);
    expect(found).toEqual(['last', 'max', 'p50'].flatMap((name) => expected.map((group) => [name, group])));
    if ('tags' in filter) return;
    await world.addRule({
      ...metricRule({}, { name: 'down', filter }),
      subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null },
    });
    for (const id of ['a', 'b', 'c']) world.setAgent(id, { status: 'disconnected' });
    await world.pass(INTERVAL);
    const down = world.evaluator.alerts().flatMap(({ labels }) => (labels.alertname === 'down' ? labels.agent : []));
    expect(down).toEqual([...new Set(expected.map((group) => group[0]))]);
  });

  test('groups by place', async () => {
    world = new AlertWorld();
    for (const [id, provider, region] of [
      ['a', 'gcp', 'eu'],
      ['b', 'gcp', 'eu'],
      ['c', 'aws', 'eu'],
    ] as const) {
      world.addAgent(id, { provider, region });
      world.sample(10 + id.charCodeAt(0), { agentId: id });
    }
    await world.start();
    await world.addRule(metricRule({ by: ['provider', 'region'], aggregation: 'max' }));
    await world.addRule(metricRule({ by: ['provider', 'region'], aggregation: 'p99' }, { name: 'p99' }));
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts().map(({ groupKey, agentId, value }) => [groupKey, agentId, Math.round(value ?? 0)])).toEqual([
      ['{"provider":"gcp","region":"eu"}', null, 108],
      ['{"provider":"aws","region":"eu"}', null, 109],
      ['{"provider":"gcp","region":"eu"}', null, 108],
      ['{"provider":"aws","region":"eu"}', null, 109],
    ]);
  });

  test('a ping that failed has no target_ip, a good one has: they are one group', async () => {
    await world.addRule(metricRule({ metricName: 'ping_success', aggregation: 'last', condition: 'eq', threshold: 0 }));
    const ping = { name: 'ping_success' };
    world.sample(1, { ...ping, tags: { target: 't', target_ip: '192.0.2.1' }, timestampMs: T0 });
    world.wait(INTERVAL - 1);
    world.sample(0, { ...ping, tags: { target: 't' } });
    await world.pass(1);
    expect(world.states()).toEqual({ '{"agent":"a","target":"t"}': 'firing' });
    world.wait(INTERVAL - 1);
    world.sample(1, { ...ping, tags: { target: 't', target_ip: '192.0.2.1' } });
    await world.pass(1);
    expect(world.states()).toEqual({});
  });

  test('groups are told by what the rule says; a tag called agent is not the agent', async () => {
    await world.addRule(metricRule({ ...LAST, by: ['target'] }, { name: 'by target' }));
    await world.addRule(metricRule({ ...LAST, by: [] }, { name: 'all' }));
    await world.addRule(metricRule(LAST, { name: 'usual' }));
    world.sample(11, { tags: { target: 't', agent: 'x' } });
    world.sample(12, { agentId: 'b', tags: { target: 't' } });
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts().map(({ labels: { alertname }, groupKey, agentId }) => [alertname, groupKey, agentId])).toEqual([
      ['by target', '{"target":"t"}', null],
      ['all', '{}', null],
      ['usual', '{"agent":"a","tag_agent":"x","target":"t"}', 'a'],
      ['usual', '{"agent":"b","target":"t"}', 'b'],
    ]);
  });

  test('tags that are called as labels of the rule are told apart all the same', async () => {
    await world.addRule(metricRule(LAST, { labels: { team: 'net', tag_team: 'x' } }));
    world.sample(11, { tags: { severity: 'low', team: 'a', tag_tag_team: 'b', alertname: 'c' } });
    world.sample(12, { tags: { severity: 'high', team: 'a' } });
    await world.pass(INTERVAL);
    const common = { alertname: 'Load', severity: 'warning', team: 'net', tag_team: 'x', agent: 'a' };
    expect(world.evaluator.alerts().map(({ labels }) => labels)).toEqual([
      { ...common, tag_alertname: 'c', tag_severity: 'low', tag_tag_team: 'a', tag_tag_tag_tag_team: 'b' },
      { ...common, tag_severity: 'high', tag_tag_team: 'a' },
    ]);
  });

  test('a loss that is told in hundredths', async () => {
    await world.addRule(metricRule({ metricName: 'ping_packet_loss_percent', threshold: 20 }));
    const loss = { name: 'ping_packet_loss_percent' };
    world.sample(3333, { ...loss, timestampMs: T0 });
    world.sample(0, { ...loss, timestampMs: T0 + 1 });
    world.sample(6667, { ...loss, agentId: 'b', timestampMs: T0 });
    world.sample(0, { ...loss, agentId: 'b', timestampMs: T0 + 1 });
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts()).toMatchObject([{ agentId: 'b', value: 33.335 }]);
  });

  test('labels, annotations and what consoles are told', async () => {
    const annotations = { summary: '{{ labels.agent }}: {{ value }} {{ unit }} of {{ threshold }}' };
    await world.addRule(metricRule(LAST, { severity: 'critical', labels: { team: 'net' }, annotations }));
    world.sample(11.5, { unit: 'jobs' });
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts()).toMatchObject([
      { labels: { agent: 'a', alertname: 'Load', severity: 'critical', team: 'net' }, annotations: { summary: 'a: 11.5 jobs of 10' } },
    ]);
    world.wait(INTERVAL - 1);
    world.sample(1, { unit: 'jobs' });
    await world.pass(1);
    expect(world.systemAlerts).toEqual([
      { message: 'Load: a: 11.5 jobs of 10', severity: 'error' },
      { message: 'Resolved: Load: a: 1 jobs of 10', severity: 'info' },
    ]);
  });

  test('a rule that matches no series says so', async () => {
    const { id } = await world.addRule(metricRule({ metricName: 'laod' }));
    expect(world.evaluator.status(id)).toMatchObject({ lastEvaluatedAtMs: null, matchedSeries: null });
    await world.pass(INTERVAL);
    expect(world.evaluator.status(id)).toMatchObject({ lastEvaluatedAtMs: world.nowMs, matchedSeries: 0, groups: 0, error: null });
    expect(world.evaluator.status('none')).toBeNull();
  });

  test('rules are evaluated by their own interval', async () => {
    const { id } = await world.addRule(metricRule({}, { intervalMs: MINUTE }));
    await world.pass(SECOND);
    const first = world.nowMs;
    expect(world.evaluator.status(id)?.lastEvaluatedAtMs).toBe(first);
    await world.pass(SECOND);
    expect(world.evaluator.status(id)?.lastEvaluatedAtMs).toBe(first);
    await world.pass(MINUTE);
    expect(world.evaluator.status(id)?.lastEvaluatedAtMs).toBe(world.nowMs);
  });
});

describe('what must not fire', () => {
  test('samples that come late', async () => {
    await world.addRule(metricRule({ ...LAST, windowMs: 30 * MINUTE }));
    for (let age = 5 * MINUTE; age < 25 * MINUTE; age += MINUTE) world.sample(50, { timestampMs: T0 - age });
    await world.pass(INTERVAL);
    world.sample(50, { timestampMs: world.nowMs - 90 * SECOND - 1 });
    await world.pass(0);
    expect(world.state()).toBe('');
    await world.pass(INTERVAL);
    world.sample(50, { timestampMs: world.nowMs - 1 });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
  });

  test.each(['max', 'avg', 'sum', 'count', 'p90', 'increase'] as const)('%s of a window that holds what came late', async (aggregation) => {
    await world.addRule(metricRule({ aggregation, windowMs: 5 * MINUTE }));
    const counter = { type: 'counter' } as const;
    for (let age = 4 * MINUTE; age >= 2 * MINUTE; age -= INTERVAL) world.sample(-age, { ...counter, timestampMs: T0 - age });
    world.setAgent('a', { newestLateMs: T0 - 2 * MINUTE });
    const live = async (): Promise<void> => {
      world.wait(INTERVAL - 1);
      world.sample(world.nowMs - T0, counter);
      await world.pass(1);
    };
    while (world.nowMs < T0 + 3 * MINUTE) await live();
    expect(world.state()).toBe('');
    await live();
    expect(world.state()).toBe('firing');
  });

  test('a pending group whose agent delivers what it kept; one that fires resolves all the same', async () => {
    await world.addRule(metricRule({ aggregation: 'max', windowMs: 2 * MINUTE }, { forMs: 20 * SECOND }));
    await samples(50, 50);
    world.setAgent('a', { newestLateMs: world.nowMs - MINUTE });
    await samples(50, 50, 50, 50, 50, 50);
    expect(world.state()).toBe('pending');
    await samples(50);
    expect(world.state()).toBe('firing');
    world.setAgent('a', { newestLateMs: world.nowMs });
    await samples(...Array.from({ length: 12 }, () => 5));
    expect(world.news()).toEqual(['pending', 'firing', 'resolved: recovered']);
  });

  test('a group of several agents of whom one delivers what it kept', async () => {
    await world.addRule(metricRule({ by: [], aggregation: 'max' }));
    await world.addRule(metricRule({ by: [], aggregation: 'max' }, { name: 'Of b', filter: { agentIds: ['b'] } }));
    await world.addRule(metricRule({ by: [], ...LAST }, { name: 'Newest' }));
    world.setAgent('a', { newestLateMs: world.nowMs });
    world.sample(50, { agentId: 'b' });
    await samples(50);
    expect(world.evaluator.alerts().map(({ labels }) => labels.alertname)).toEqual(['Of b', 'Newest']);
  });

  test('samples that come late change nothing of what is, either', async () => {
    await world.addRule(metricRule({ ...LAST, windowMs: 10 * MINUTE }, { forMs: 30 * SECOND }));
    await samples(50);
    for (let i = 0; i < 20; i += 1) await world.pass(INTERVAL);
    // Its newest sample is too old by then; it fired while that was fresh.
    expect(world.news()).toEqual(['pending', 'firing']);
    world.sample(1, { timestampMs: world.nowMs - 5 * MINUTE });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
  });

  test.each(['last', 'max', 'avg'] as const)('%s of what came late, however seldom its rule is evaluated', async (aggregation) => {
    await world.addRule(metricRule({ aggregation, windowMs: 30 * MINUTE }, { intervalMs: 5 * MINUTE }));
    await world.pass(5 * MINUTE);
    const late = (value: number): void => {
      const timestampMs = world.nowMs - 10 * MINUTE;
      world.sample(value, { timestampMs });
      world.setAgent('a', { newestLateMs: timestampMs });
    };
    late(50);
    await world.pass(5 * MINUTE);
    expect(world.state()).toBe('');
    world.nowMs += 30 * MINUTE;
    world.sample(50);
    await world.pass(5 * MINUTE);
    expect(world.state()).toBe('firing');
    // Nor does it resolve.
    world.nowMs += 30 * MINUTE;
    late(1);
    await world.pass(5 * MINUTE);
    expect(world.state()).toBe('firing');
    world.sample(1);
    await world.pass(5 * MINUTE);
    expect(world.news()).toEqual(['firing', 'resolved: recovered']);
  });

  test('groups that are held back by what came late are counted', async () => {
    const { id } = await world.addRule(metricRule({ aggregation: 'max' }, { forMs: 20 * SECOND }));
    await world.addRule(metricRule(LAST, { name: 'Newest' }));
    world.setAgent('b', { newestLateMs: world.nowMs - SECOND });
    world.sample(50, { agentId: 'b', tags: { disk: 'x' } });
    world.sample(5, { agentId: 'b', tags: { disk: 'y' } });
    await samples(50);
    expect(world.evaluator.status(id)).toMatchObject({ heldBack: 1, pending: 1 });
    world.setAgent('a', { newestLateMs: world.nowMs - SECOND });
    world.sample(50, { agentId: 'b', tags: { disk: 'x' } });
    await samples(50);
    expect(world.evaluator.status(id)).toMatchObject({ heldBack: 2, pending: 1 });
    await samples(50, 50, 50, 50, 50, 50);
    expect(world.evaluator.status(id)).toMatchObject({ heldBack: 0, firing: 1 });
    for (const { id: each, name } of world.stores.rules.rows.values()) {
      if (name === 'Newest') expect(world.evaluator.status(each)).toMatchObject({ heldBack: 0 });
    }
  });

  test('what an agent that is away said', async () => {
    await world.addRule(metricRule(LAST));
    world.setAgent('a', { status: 'disconnected' });
    await samples(50);
    expect(world.state()).toBe('');
    world.setAgent('a', { status: 'connected' });
    await samples(50);
    expect(world.state()).toBe('firing');
    world.setAgent('a', { status: 'disconnected' });
    await samples(50, 5);
    expect(world.news()).toEqual(['firing', 'resolved: recovered']);
  });

  test('a pending group whose agent goes', async () => {
    await world.addRule(metricRule(LAST, { forMs: 20 * SECOND }));
    await samples(50);
    world.setAgent('a', { status: 'disconnected' });
    await samples(50, 50, 50);
    expect(world.state()).toBe('pending');
  });

  test.each(['last', 'avg'] as const)('%s: the time for which the agent of a pending group is away does not count', async (aggregation) => {
    await world.addRule(metricRule({ aggregation, windowMs: 60 * MINUTE }, { forMs: 3 * MINUTE }));
    await samples(50);
    world.setAgent('a', { status: 'disconnected' });
    for (let i = 0; i < 200; i += 1) await world.pass(INTERVAL);
    expect(world.state()).toBe('pending');
    world.setAgent('a', { status: 'connected', connectedAtMs: world.nowMs });
    // 80 s went by while that sample was fresh.
    await samples(50, 50, 50, 50, 50, 50, 50, 50, 50);
    expect(world.state()).toBe('pending');
    await samples(50);
    expect(world.state()).toBe('firing');
  });

  test('a pending group of an agent that is there and samples slowly goes on', async () => {
    await world.addRule(metricRule({ ...LAST, windowMs: 5 * MINUTE }, { forMs: 3 * MINUTE }));
    await samples(50);
    for (let i = 0; i < 20; i += 1) await world.pass(INTERVAL);
    expect(world.state()).toBe('pending');
    await samples(50);
    expect(world.state()).toBe('firing');
  });

  test('a group of several agents is there while one of them is', async () => {
    await world.addRule(metricRule({ ...LAST, by: ['target'] }));
    world.setAgent('a', { status: 'disconnected' });
    world.sample(50, { tags: { target: 't' } });
    world.sample(50, { tags: { target: 'u' } });
    world.sample(50, { agentId: 'b', tags: { target: 't' } });
    await world.pass(INTERVAL);
    expect(world.states()).toEqual({ '{"target":"t"}': 'firing' });
  });

  test('a sample ahead of the clock counts as now', async () => {
    await world.addRule(metricRule(LAST));
    world.sample(50, { timestampMs: T0 + 10 * MINUTE });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
  });

  test('values that are none', async () => {
    await world.addRule(metricRule({ ...LAST, condition: 'ne' }));
    await samples(NaN);
    expect(world.state()).toBe('');
  });
});

describe('no data', () => {
  const policy = (noData: 'ok' | 'keep' | 'alert', forMs = 0) => world.addRule(metricRule({ ...LAST, noData }, { forMs }));

  test('keep: everything stays as it is', async () => {
    await policy('keep');
    await samples(50);
    await world.pass(60 * MINUTE);
    expect(world.state()).toBe('firing');
    expect(world.news()).toEqual(['firing']);
  });

  test('keep: a for stands still', async () => {
    await policy('keep', 3 * MINUTE);
    await samples(...Array.from({ length: 10 }, () => 50));
    // 90 s have gone by, and 50 s more do while the window holds the last one: its agent is there.
    for (let i = 0; i < 100; i += 1) await world.pass(INTERVAL);
    await samples(50, 50, 50);
    expect(world.state()).toBe('pending');
    await samples(50);
    expect(world.state()).toBe('firing');
  });

  test('keep: the time for which it goes on firing stands still', async () => {
    await world.addRule(metricRule(LAST, { keepFiringForMs: 3 * MINUTE }));
    await samples(50, ...Array.from({ length: 10 }, () => 5));
    for (let i = 0; i < 100; i += 1) await world.pass(INTERVAL);
    await samples(5, 5, 5);
    expect(world.state()).toBe('firing, well');
    await samples(5);
    expect(world.state()).toBe('');
  });

  test.each(['max', 'avg', 'sum', 'count', 'p90'] as const)(
    '%s: what was bad slides out of the window of a silent agent',
    async (aggregation) => {
      await world.addRule(metricRule({ aggregation, threshold: 5, windowMs: 10 * MINUTE }));
      await samples(...Array.from({ length: 10 }, () => 50), 1, 1, 1, 1, 1);
      expect(world.state()).toBe('firing');
      while (world.nowMs < T0 + 30 * MINUTE) await world.pass(INTERVAL);
      expect(world.news()).toEqual(['firing']);
      world.sample(1);
      await world.pass(INTERVAL);
      expect(world.news()).toEqual(['resolved: recovered']);
    },
  );

  test('ok: counts as well when the window is empty, not before', async () => {
    await world.addRule(metricRule({ aggregation: 'sum', noData: 'ok', windowMs: 5 * MINUTE }));
    await samples(50, 1, 1);
    const lastMs = world.nowMs;
    while (world.nowMs < lastMs + 5 * MINUTE - INTERVAL) await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
    await world.pass(INTERVAL);
    expect(world.news()).toEqual(['firing', 'resolved: recovered']);
  });

  test('ok: counts as well', async () => {
    await policy('ok');
    await samples(50);
    await world.pass(2 * MINUTE);
    expect(world.news()).toEqual(['firing', 'resolved: recovered']);
  });

  test('alert: counts as bad, while the agent is there', async () => {
    await policy('alert', 20 * SECOND);
    await samples(5);
    await world.pass(2 * MINUTE);
    await world.pass(20 * SECOND);
    expect(world.evaluator.alerts()).toMatchObject([{ state: 'firing', value: null }]);
    await samples(5);
    expect(world.news()).toEqual(['pending', 'firing', 'resolved: recovered']);
    world.setAgent('a', { status: 'disconnected' });
    await world.pass(2 * MINUTE);
    await world.pass(MINUTE);
    expect(world.state()).toBe('');
    // It has just come back, and has not had the time to send.
    world.setAgent('a', { status: 'connected', connectedAtMs: world.nowMs });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('');
    await world.pass(MINUTE);
    expect(world.state()).toBe('pending');
  });

  test('alert: a firing one goes on when its agent goes', async () => {
    await policy('alert');
    await samples(5);
    await world.pass(2 * MINUTE);
    world.setAgent('a', { status: 'disconnected' });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
  });
});

describe('agents', () => {
  const rule = (condition: 'disconnected' | 'stale' | 'clock_skew' | 'config_failed', thresholdMs: number | null = null, forMs = 0) =>
    world.addRule({ ...metricRule({}, { forMs }), subject: { kind: 'agent', condition, thresholdMs } });

  test('disconnected: within a second of the news, and its for', async () => {
    await rule('disconnected', null, MINUTE);
    await world.pass(INTERVAL);
    world.setAgent('a', { status: 'disconnected', lastSeenMs: world.nowMs });
    await world.pass(SECOND);
    expect(world.states()).toEqual({ '{"agent":"a"}': 'pending' });
    for (let i = 0; i < 7; i += 1) await world.pass(INTERVAL);
    expect(world.evaluator.alerts()).toMatchObject([{ state: 'firing', value: 71, labels: { agent: 'a' } }]);
    world.setAgent('a', { status: 'connected' });
    await world.pass(SECOND);
    expect(world.news()).toEqual(['pending', 'firing', 'resolved: recovered']);
  });

  test('stale, of those who are connected too', async () => {
    await rule('stale', 30 * SECOND);
    await world.pass(30 * SECOND - 1);
    expect(world.state()).toBe('');
    await world.pass(INTERVAL);
    expect(world.states()).toEqual({ '{"agent":"a"}': 'firing', '{"agent":"b"}': 'firing' });
  });

  test('clock skew, either way; what one that is away said counts no more', async () => {
    await rule('clock_skew');
    world.setAgent('a', { clockSkewMs: -30_001 });
    world.setAgent('b', { clockSkewMs: 30_000 });
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts()).toMatchObject([{ agentId: 'a', value: -30.001 }]);
    world.setAgent('a', { clockSkewMs: 0, status: 'disconnected' });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
    world.setAgent('a', { status: 'connected' });
    await world.pass(SECOND);
    expect(world.state()).toBe('');
  });

  test('a configuration that failed', async () => {
    await rule('config_failed');
    const config = { version: 3, updatedAtMs: T0, attemptError: 'no', attemptedAtMs: T0, effectiveVersion: 2, effectiveAtMs: T0 };
    world.setAgent('a', { config: { ...config, attemptedVersion: 3, attemptStatus: 'failed' } });
    world.setAgent('b', { config: { ...config, attemptedVersion: 2, attemptStatus: 'failed' } });
    await world.pass(INTERVAL);
    expect(world.evaluator.alerts()).toMatchObject([{ agentId: 'a', value: 3 }]);
  });

  test('a configuration of an agent that is down begins no alert of its own', async () => {
    await rule('config_failed');
    const config = { version: 3, updatedAtMs: T0, attemptError: 'no', attemptedAtMs: T0, effectiveVersion: 2, effectiveAtMs: T0 };
    world.setAgent('a', { config: { ...config, attemptedVersion: 3, attemptStatus: 'failed' }, status: 'disconnected' });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('');
    world.setAgent('a', { status: 'connected' });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
    world.setAgent('a', { status: 'disconnected' });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
  });

  test('after a start they have a minute to come back', async () => {
    world = new AlertWorld();
    world.addAgent('a', { status: 'disconnected' });
    await world.start();
    world.uptimeMs -= MINUTE;
    await rule('disconnected');
    await world.pass(MINUTE - 1);
    expect(world.state()).toBe('');
    await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
  });

  test('one that is deleted takes its alerts along', async () => {
    await rule('disconnected');
    await world.addRule(metricRule(LAST, { name: 'metric' }));
    await samples(50);
    const agent = world.agents.find('a')!;
    world.setAgent('a', { status: 'disconnected' });
    await world.pass(SECOND);
    world.news();
    world.agents.agents.delete('a');
    world.bus.emit('agentDeleted', agent);
    await world.evaluator.rulesChanged();
    expect(world.news()).toEqual(['resolved: agent_deleted', 'resolved: agent_deleted']);
  });
});

describe('rules that change', () => {
  test.each([
    ['changed', 'rule_changed'],
    ['disabled', 'rule_disabled'],
    ['deleted', 'rule_deleted'],
  ] as const)('%s: its alerts are over', async (what, reason) => {
    const { id } = await world.addRule(metricRule(LAST));
    await samples(50);
    world.news();
    const fields = metricRule(LAST, what === 'disabled' ? { enabled: false } : { severity: 'info' });
    world.nowMs += 1;
    if (what === 'deleted') await world.stores.rules.remove(id);
    else await world.stores.rules.update(id, fields, world.nowMs);
    await world.evaluator.rulesChanged();
    expect(world.news()).toEqual([`resolved: ${reason}`]);
    await samples(50);
    expect(world.news()).toEqual(what === 'changed' ? ['firing'] : []);
  });

  test.each([
    ['changed', 'rule_changed'],
    ['deleted', 'rule_deleted'],
  ] as const)('%s while the server was off', async (what, reason) => {
    const { id } = await world.addRule(metricRule(LAST));
    await samples(50);
    world.news();
    await world.stop();
    if (what === 'deleted') await world.stores.rules.remove(id);
    else await world.stores.rules.update(id, metricRule(LAST, { severity: 'critical' }), world.nowMs + 1);
    await world.restart(MINUTE);
    expect(world.news()).toEqual([`resolved: ${reason}`]);
  });

  test('other rules are left alone', async () => {
    await world.addRule(metricRule(LAST));
    await samples(50);
    world.news();
    await world.addRule(metricRule({ threshold: 100 }, { name: 'other' }));
    expect(world.news()).toEqual([]);
    expect(world.state()).toBe('firing');
  });
});

describe('restarts', () => {
  const RESTARTS = ['restart', 'crash'] as const;

  test.each(RESTARTS)('%s in the middle of a for', async (how) => {
    await world.addRule(metricRule(LAST, { forMs: 10 * MINUTE }));
    await samples(...Array.from({ length: 31 }, () => 50));
    await world[how](MINUTE);
    expect(world.state()).toBe('pending');
    await samples(...Array.from({ length: 23 }, () => 50));
    expect(world.state()).toBe('pending');
    await samples(...Array.from({ length: 7 }, () => 50));
    expect(world.news()).toEqual(['pending', 'firing']);
  });

  test('of a long time off only so much counts', async () => {
    await world.addRule(metricRule(LAST, { forMs: 10 * MINUTE }));
    await samples(50);
    await world.restart(60 * MINUTE);
    await samples(50);
    expect(world.state()).toBe('pending');
    await samples(...Array.from({ length: 28 }, () => 50));
    expect(world.state()).toBe('pending');
    await samples(...Array.from({ length: 2 }, () => 50));
    expect(world.state()).toBe('firing');
  });

  test.each(RESTARTS)('%s while it fires tells nobody twice', async (how) => {
    await world.addRule(metricRule(LAST));
    await samples(50);
    const [before] = world.evaluator.alerts();
    await world[how](MINUTE);
    await samples(50, 50);
    expect(world.news()).toEqual(['firing']);
    expect(world.systemAlerts).toHaveLength(1);
    expect(world.evaluator.alerts()).toMatchObject([{ id: before!.id, firingSinceMs: before!.firingSinceMs }]);
    await samples(5);
    expect(world.news()).toEqual(['resolved: recovered']);
  });

  test.each(RESTARTS)('%s while it goes on firing', async (how) => {
    await world.addRule(metricRule(LAST, { keepFiringForMs: 2 * MINUTE }));
    await samples(50, 5, 5, 5);
    await world[how](MINUTE);
    expect(world.state()).toBe('firing, well');
    await samples(5);
    expect(world.state()).toBe('firing, well');
    await samples(5, 5, 5);
    expect(world.news()).toEqual(['firing', 'firing, well', 'resolved: recovered']);
  });

  test('an agent that was deleted meanwhile', async () => {
    await world.addRule(metricRule(LAST));
    await samples(50);
    world.news();
    world.agents.agents.delete('a');
    await world.restart(MINUTE);
    expect(world.news()).toEqual(['resolved: agent_deleted']);
  });
});

describe('clocks', () => {
  test('set ahead: a for does not jump', async () => {
    await world.addRule(metricRule(LAST, { forMs: 10 * MINUTE }));
    await samples(50);
    world.nowMs += 24 * 60 * MINUTE;
    await samples(50);
    expect(world.state()).toBe('pending');
  });

  test('set back: evaluations go on, and so does the for', async () => {
    await world.addRule(metricRule(LAST, { forMs: 30 * SECOND }));
    await samples(50, 50);
    world.nowMs -= 60 * MINUTE;
    // That agent's clock is the one that is right, its samples are ahead of ours.
    await samples(50, 50, 50);
    expect(world.state()).toBe('firing');
  });
});

describe('when storage fails', () => {
  test('what could not be saved has not happened, and is found again', async () => {
    await world.addRule(metricRule(LAST));
    world.stores.alerts.failWith = new AppError('storage_full', 'no room');
    await samples(50, 50);
    expect(world.state()).toBe('');
    expect(world.news()).toEqual([]);
    world.stores.alerts.failWith = null;
    await samples(50);
    expect(world.news()).toEqual(['firing']);
    expect(world.logger.of('warn')).toHaveLength(1);
  });

  test('what was saved without an answer is told when that is known', async () => {
    await world.addRule(metricRule(LAST));
    world.stores.alerts.loseAnswers = true;
    await samples(50);
    expect(world.news()).toEqual([]);
    world.stores.alerts.loseAnswers = false;
    await samples(50);
    expect(world.news()).toEqual(['firing']);
    world.stores.alerts.loseAnswers = true;
    await samples(5);
    expect(world.news()).toEqual([]);
    world.stores.alerts.loseAnswers = false;
    await samples(5);
    expect(world.news()).toEqual(['resolved: recovered']);
    expect(world.stores.alerts.rows.size).toBe(1);
    expect(world.systemAlerts).toHaveLength(2);
  });

  test('what was saved without an answer is over for the reason it was', async () => {
    const { id } = await world.addRule(metricRule(LAST));
    await world.addRule(metricRule(LAST, { name: 'other' }));
    await samples(50);
    world.news();
    world.stores.alerts.loseAnswers = true;
    await world.stores.rules.remove(id);
    await world.evaluator.rulesChanged();
    const [, other] = world.evaluator.alerts();
    world.stores.alerts.loseAnswers = false;
    await world.pass(SECOND);
    expect(world.news()).toEqual(['resolved: rule_deleted']);
    world.stores.alerts.loseAnswers = true;
    await expect(world.evaluator.dismiss(other!.id)).rejects.toThrow('lost');
    world.stores.alerts.loseAnswers = false;
    expect(await world.evaluator.dismiss(other!.id)).toBeNull();
    expect(world.news()).toEqual(['resolved: dismissed']);
  });

  test('an acknowledgement whose answer was lost is known and told later; nothing else changes', async () => {
    await world.addRule(metricRule(LAST, { keepFiringForMs: MINUTE }));
    await samples(50, 5);
    world.news();
    const [alert] = world.evaluator.alerts();
    const acknowledgement = { by: 'ana', comment: 'on it', atMs: world.nowMs };
    world.stores.alerts.loseAnswers = true;
    await expect(world.evaluator.acknowledge(alert!.id, acknowledgement)).rejects.toThrow('lost');
    world.stores.alerts.loseAnswers = false;
    world.told.length = 0;
    await world.pass(SECOND);
    expect(world.told).toEqual([{ ...alert!, acknowledgement }]);
    expect(world.evaluator.alerts()).toEqual([{ ...alert!, acknowledgement }]);
    await world.pass(SECOND);
    expect(world.told).toHaveLength(1);
  });

  test('a rule whose samples cannot be read says why; the others are evaluated', async () => {
    const bad = await world.addRule(metricRule({ aggregation: 'p99' }));
    const good = await world.addRule(metricRule(LAST, { name: 'good' }));
    const reader = world.reader as { totals?: unknown };
    const totals = world.reader.totals.bind(world.reader);
    reader.totals = (query: TotalsQuery) =>
      query.percentiles === undefined ? totals(query) : Promise.reject(new AppError('query_timeout', 'it took too long'));
    await samples(50);
    expect(world.evaluator.status(bad.id)).toMatchObject({ error: 'it took too long', lastEvaluatedAtMs: null });
    expect(world.evaluator.status(good.id)).toMatchObject({ error: null, firing: 1, pending: 0 });
    // Its class's is there again.
    delete reader.totals;
    await samples(50);
    expect(world.evaluator.status(bad.id)).toMatchObject({ error: null });
  });

  test('rules about agents do not wait for samples that cannot be read', async () => {
    const metric = await world.addRule(metricRule(LAST));
    await world.addRule({ ...metricRule({}, { name: 'down' }), subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null } });
    const reader = world.reader as { series?: unknown };
    reader.series = () => Promise.reject(new AppError('overloaded', 'too many queries'));
    world.setAgent('a', { status: 'disconnected' });
    await world.pass(INTERVAL);
    expect(world.news()).toEqual(['firing']);
    expect(world.evaluator.status(metric.id)).toMatchObject({ error: 'too many queries' });
    await world.pass(INTERVAL);
    expect(world.logger.of('warn')).toHaveLength(1);
    delete reader.series;
    await world.pass(INTERVAL);
    expect(world.evaluator.status(metric.id)).toMatchObject({ error: null });
    expect(world.logger.of('info').at(-1)?.message).toMatch(/again/);
  });

  test.each([
    ['saved', 'alerts'],
    ['read', 'reader'],
  ] as const)('a rule that is evaluated once a day does not wait for the next when it could not be %s', async (_, what) => {
    const { id } = await world.addRule(metricRule({ aggregation: 'max' }, { intervalMs: 24 * 60 * MINUTE }));
    const reader = world.reader as { aggregate?: unknown };
    const error = new AppError('storage_unavailable', 'away');
    if (what === 'alerts') world.stores.alerts.failWith = error;
    else reader.aggregate = () => Promise.reject(error);
    await samples(50);
    expect(world.news()).toEqual([]);
    world.stores.alerts.failWith = null;
    delete reader.aggregate;
    await samples(50, 50, 50);
    expect(world.news()).toEqual(['firing']);
    const lookedAtMs = world.evaluator.status(id)!.lastEvaluatedAtMs!;
    await samples(50, 50, 50, 50);
    expect(world.evaluator.status(id)).toMatchObject({ lastEvaluatedAtMs: lookedAtMs });
  });

  test('a change that comes while an earlier one is taken over, and cannot be read, is not forgotten', async () => {
    await world.addRule(metricRule(LAST));
    await samples(50);
    world.news();
    const { rules } = world.stores;
    const all = rules.all.bind(rules);
    const others: Promise<void>[] = [];
    const answers = [
      async () => {
        const read = await all();
        rules.rows.clear();
        others.push(world.evaluator.rulesChanged());
        return read;
      },
      () => Promise.reject(new AppError('storage_unavailable', 'away')),
    ];
    rules.all = () => (answers.shift() ?? all)();
    await world.evaluator.rulesChanged();
    await Promise.all(others);
    expect(world.news()).toEqual([]);
    await world.pass(SECOND);
    expect(world.news()).toEqual(['resolved: rule_deleted']);
  });

  test('changed rules that could not be taken over are, later', async () => {
    await world.addRule(metricRule(LAST));
    await samples(50);
    world.stores.rules.failWith = new AppError('storage_unavailable', 'away');
    await world.evaluator.rulesChanged();
    expect(world.logger.of('warn')).toHaveLength(1);
    world.stores.rules.failWith = null;
    world.stores.rules.rows.clear();
    await world.pass(SECOND);
    expect(world.news()).toEqual(['firing', 'resolved: rule_deleted']);
  });
});

describe('limits and people', () => {
  const down = { ...metricRule({}, { name: 'down' }), subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null } } as const;
  const bad = (...names: string[]): void => names.forEach((n) => world.sample(50, { tags: { n } }));
  const found = () => world.evaluator.alerts().map(({ labels: { alertname, agent, n } }) => [alertname, n ?? agent]);
  const ofAtMost = async (most: number): Promise<void> => {
    await world.stop();
    world = new AlertWorld();
    world.maxActive = most;
    world.addAgent('a');
    world.addAgent('b');
    await world.restart(0);
  };

  test('so many alerts of one rule about metrics and no more', async () => {
    await ofAtMost(12);
    const { id } = await world.addRule(metricRule(LAST));
    bad('1', '2', '3', '4', '5');
    await world.pass(INTERVAL);
    expect(world.evaluator.counts()).toEqual({ pending: 0, firing: 3, bySeverity: new Map([['warning', 3]]) });
    expect(world.evaluator.status(id)?.error).toBe('there are too many alerts: 2 groups that are bad were left out');
    world.sample(5, { tags: { n: '1' } });
    bad('2', '3', '4');
    await world.pass(INTERVAL);
    bad('2', '3', '4');
    await world.pass(INTERVAL);
    expect(found()).toEqual([
      ['Load', '2'],
      ['Load', '3'],
      ['Load', '4'],
    ]);
    expect(world.evaluator.status(id)?.error).toBe('there are too many alerts: 1 group that is bad was left out');
  });

  test('rules about metrics leave places to those about agents, which may take all', async () => {
    await ofAtMost(4);
    const rules = ['one', 'two', 'three', 'four'];
    const ids: string[] = [];
    for (const name of rules) ids.push((await world.addRule(metricRule(LAST, { name }))).id);
    await world.addRule(down);
    bad('1', '2');
    await world.pass(INTERVAL);
    expect(found()).toEqual([
      ['one', '1'],
      ['two', '1'],
      ['three', '1'],
    ]);
    expect(world.evaluator.status(ids[3]!)?.error).toMatch(/2 groups/);
    world.setAgent('a', { status: 'disconnected' });
    await world.pass(SECOND);
    expect(found().at(-1)).toEqual(['down', 'a']);
  });

  test('rules about agents are not counted by rule', async () => {
    await ofAtMost(2);
    await world.addRule(down);
    for (const id of ['a', 'b']) world.setAgent(id, { status: 'disconnected' });
    await world.pass(INTERVAL);
    expect(world.evaluator.counts().firing).toBe(2);
  });

  test('those that are over make room in the same round', async () => {
    await ofAtMost(4);
    const rules = [metricRule(LAST, { name: 'one' }), metricRule(LAST, { name: 'two' }), metricRule(LAST, { name: 'three' })];
    for (const rule of rules) await world.addRule(rule);
    await world.addRule(metricRule({ ...LAST, condition: 'lt' }, { name: 'below' }));
    await samples(50);
    expect(found()).toHaveLength(3);
    await samples(5);
    expect(found()).toEqual([['below', 'a']]);
  });

  test('pending ones that nothing measures any more make way, the oldest first', async () => {
    await ofAtMost(12);
    const { id } = await world.addRule(metricRule(LAST, { forMs: 10 * MINUTE }));
    for (const name of ['1', '2', '3']) {
      bad(name);
      await world.pass(INTERVAL);
    }
    bad('4');
    await world.pass(INTERVAL);
    // All of them are still measured.
    expect(found().map(([, n]) => n)).toEqual(['1', '2', '3']);
    expect(world.evaluator.status(id)?.error).toMatch(/1 group /);
    await world.pass(MINUTE);
    expect(found().map(([, n]) => n)).toEqual(['1', '2', '3']);
    world.news();
    bad('5', '6');
    await world.pass(INTERVAL);
    expect(found().map(([, n]) => n)).toEqual(['3', '5', '6']);
    expect(world.evaluator.status(id)).toMatchObject({ error: null, pending: 3 });
    expect(world.stores.alerts.rows.size).toBe(3);
    expect(world.systemAlerts).toEqual([]);
    bad('7', '8');
    await world.pass(INTERVAL);
    expect(found().map(([, n]) => n)).toEqual(['5', '6', '7']);
    expect(world.evaluator.status(id)?.error).toMatch(/1 group /);
  });

  test('those that fire make way for nobody', async () => {
    await ofAtMost(4);
    const { id } = await world.addRule(metricRule(LAST));
    bad('1');
    await world.pass(INTERVAL);
    await world.pass(10 * MINUTE);
    bad('2');
    await world.pass(INTERVAL);
    expect(found()).toEqual([['Load', '1']]);
    expect(world.evaluator.status(id)?.error).toMatch(/1 group /);
  });

  test('an acknowledgement stays with the alert', async () => {
    await world.addRule(metricRule(LAST, { keepFiringForMs: MINUTE }));
    await samples(50);
    const [alert] = world.evaluator.alerts();
    const acknowledgement = { by: 'ana', comment: 'on it', atMs: world.nowMs };
    expect(await world.evaluator.acknowledge(alert!.id, acknowledgement)).toMatchObject({ id: alert!.id, acknowledgement });
    await samples(5);
    expect(world.stores.alerts.rows.get(alert!.id)).toMatchObject({ acknowledgement });
    expect(await world.evaluator.acknowledge('none', null)).toBeNull();
  });

  test('one that nobody can measure any more ends when somebody says so', async () => {
    await world.addRule(metricRule(LAST));
    await samples(50);
    await world.pass(10 * MINUTE);
    const [alert] = world.evaluator.alerts();
    expect(await world.evaluator.dismiss(alert!.id)).toMatchObject({
      id: alert!.id,
      state: 'resolved',
      resolvedReason: 'dismissed',
      resolvedAtMs: world.nowMs,
    });
    expect(world.news()).toEqual(['firing', 'resolved: dismissed']);
    expect(world.systemAlerts).toHaveLength(2);
    expect((await world.stores.alerts.history({ limit: 10, offset: 0 })).alerts).toMatchObject([{ resolvedReason: 'dismissed' }]);
    await world.pass(10 * MINUTE);
    expect(world.state()).toBe('');
    expect(await world.evaluator.dismiss(alert!.id)).toBeNull();
  });

  test('one that is still bad begins anew when somebody ended it', async () => {
    await world.addRule(metricRule(LAST, { forMs: 20 * SECOND }));
    await samples(50, 50, 50);
    const [alert] = world.evaluator.alerts();
    await world.evaluator.dismiss(alert!.id);
    await samples(50, 50, 50);
    expect(world.news()).toEqual(['pending', 'firing', 'resolved: dismissed', 'pending', 'firing']);
  });

  test('a listener that fails does not keep others from hearing', async () => {
    await world.addRule(metricRule(LAST));
    const heard: unknown[] = [];
    world.evaluator.onChanged(() => {
      throw new Error('no');
    });
    const leave = world.evaluator.onChanged((alerts) => heard.push(...alerts));
    await samples(50);
    leave();
    await samples(5);
    expect(heard).toHaveLength(1);
  });
});

describe('the rules of a fresh install', () => {
  test('are all evaluated, and quiet while all is well', async () => {
    for (const rule of defaultRules()) await world.addRule(rule);
    await world.pass(MINUTE);
    for (const { id, name } of world.stores.rules.rows.values()) {
      expect([name, world.evaluator.status(id)]).toMatchObject([name, { error: null, lastEvaluatedAtMs: world.nowMs }]);
    }
    expect(world.state()).toBe('');
  });
});
