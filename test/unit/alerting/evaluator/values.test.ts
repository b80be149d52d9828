import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AlertWorld, INTERVAL, MINUTE, metricRule, SECOND, T0 } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

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
    await world.samples(1, 1);
    world.sample(50, { agentId: 'b' });
    await world.samples(1, 1);
    expect(world.states()).toEqual({ '{"agent":"b"}': 'firing' });
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
