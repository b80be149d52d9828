import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AlertWorld, INTERVAL, LAST, MINUTE, metricRule, SECOND, T0 } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

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
    await world.samples(50, 50);
    world.setAgent('a', { newestLateMs: world.nowMs - MINUTE });
    await world.samples(50, 50, 50, 50, 50, 50);
    expect(world.state()).toBe('pending');
    await world.samples(50);
    expect(world.state()).toBe('firing');
    world.setAgent('a', { newestLateMs: world.nowMs });
    await world.samples(...Array.from({ length: 12 }, () => 5));
    expect(world.news()).toEqual(['pending', 'firing', 'resolved: recovered']);
  });

  test('a group of several agents of whom one delivers what it kept', async () => {
    await world.addRule(metricRule({ by: [], aggregation: 'max' }));
    await world.addRule(metricRule({ by: [], aggregation: 'max' }, { name: 'Of b', filter: { agentIds: ['b'] } }));
    await world.addRule(metricRule({ by: [], ...LAST }, { name: 'Newest' }));
    world.setAgent('a', { newestLateMs: world.nowMs });
    world.sample(50, { agentId: 'b' });
    await world.samples(50);
    expect(world.evaluator.alerts().map(({ labels }) => labels.alertname)).toEqual(['Of b', 'Newest']);
  });

  test('samples that come late change nothing of what is, either', async () => {
    await world.addRule(metricRule({ ...LAST, windowMs: 10 * MINUTE }, { forMs: 30 * SECOND }));
    await world.samples(50);
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
    await world.samples(50);
    expect(world.evaluator.status(id)).toMatchObject({ heldBack: 1, pending: 1 });
    world.setAgent('a', { newestLateMs: world.nowMs - SECOND });
    world.sample(50, { agentId: 'b', tags: { disk: 'x' } });
    await world.samples(50);
    expect(world.evaluator.status(id)).toMatchObject({ heldBack: 2, pending: 1 });
    await world.samples(50, 50, 50, 50, 50, 50);
    expect(world.evaluator.status(id)).toMatchObject({ heldBack: 0, firing: 1 });
    for (const { id: each, name } of world.stores.rules.rows.values()) {
      if (name === 'Newest') expect(world.evaluator.status(each)).toMatchObject({ heldBack: 0 });
    }
  });

  test('what an agent that is away said', async () => {
    await world.addRule(metricRule(LAST));
    world.setAgent('a', { status: 'disconnected' });
    await world.samples(50);
    expect(world.state()).toBe('');
    world.setAgent('a', { status: 'connected' });
    await world.samples(50);
    expect(world.state()).toBe('firing');
    world.setAgent('a', { status: 'disconnected' });
    await world.samples(50, 5);
    expect(world.news()).toEqual(['firing', 'resolved: recovered']);
  });

  test('a pending group whose agent goes', async () => {
    await world.addRule(metricRule(LAST, { forMs: 20 * SECOND }));
    await world.samples(50);
    world.setAgent('a', { status: 'disconnected' });
    await world.samples(50, 50, 50);
    expect(world.state()).toBe('pending');
  });

  test.each(['last', 'avg'] as const)('%s: the time for which the agent of a pending group is away does not count', async (aggregation) => {
    await world.addRule(metricRule({ aggregation, windowMs: 60 * MINUTE }, { forMs: 3 * MINUTE }));
    await world.samples(50);
    world.setAgent('a', { status: 'disconnected' });
    for (let i = 0; i < 200; i += 1) await world.pass(INTERVAL);
    expect(world.state()).toBe('pending');
    world.setAgent('a', { status: 'connected', connectedAtMs: world.nowMs });
    // 80 s went by while that sample was fresh.
    await world.samples(50, 50, 50, 50, 50, 50, 50, 50, 50);
    expect(world.state()).toBe('pending');
    await world.samples(50);
    expect(world.state()).toBe('firing');
  });

  test('a pending group of an agent that is there and samples slowly goes on', async () => {
    await world.addRule(metricRule({ ...LAST, windowMs: 5 * MINUTE }, { forMs: 3 * MINUTE }));
    await world.samples(50);
    for (let i = 0; i < 20; i += 1) await world.pass(INTERVAL);
    expect(world.state()).toBe('pending');
    await world.samples(50);
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
    await world.samples(NaN);
    expect(world.state()).toBe('');
  });
});
