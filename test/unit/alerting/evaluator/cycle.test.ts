import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AlertWorld, LAST, MINUTE, metricRule, SECOND } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

describe('the cycle of a group', () => {
  test('pending, firing after its for, resolved when it is well', async () => {
    await world.addRule(metricRule(LAST, { forMs: 20 * SECOND }));
    await world.samples(5, 11);
    expect(world.state()).toBe('pending');
    const since = world.nowMs;
    await world.samples(12, 13);
    expect(world.news()).toEqual(['pending', 'firing']);
    expect(world.evaluator.alerts()).toMatchObject([
      { state: 'firing', value: 13, startedAtMs: since, firingSinceMs: since + 20 * SECOND, agentId: 'a', groupKey: '{"agent":"a"}' },
    ]);
    await world.samples(5);
    expect(world.news()).toEqual(['resolved: recovered']);
    expect(world.state()).toBe('');
    const { alerts } = await world.stores.alerts.history({ limit: 10, offset: 0 });
    expect(alerts).toMatchObject([{ state: 'resolved', value: 5, resolvedAtMs: world.nowMs }]);
  });

  test('a pending one that is well leaves no trace', async () => {
    await world.addRule(metricRule(LAST, { forMs: MINUTE }));
    await world.samples(11, 5);
    expect(world.news()).toEqual(['pending', 'resolved: recovered']);
    expect(world.stores.alerts.rows.size).toBe(0);
    expect(world.systemAlerts).toEqual([]);
  });

  test('goes on firing for a while', async () => {
    await world.addRule(metricRule(LAST, { keepFiringForMs: 20 * SECOND }));
    await world.samples(11, 5, 5, 11);
    expect(world.news()).toEqual(['firing', 'firing, well', 'firing']);
    await world.samples(5, 5);
    expect(world.state()).toBe('firing, well');
    await world.samples(5);
    expect(world.news()).toEqual(['firing, well', 'resolved: recovered']);
  });

  test('hysteresis: what fires is well by the recovery threshold, what does not by the threshold', async () => {
    await world.addRule(metricRule({ ...LAST, recoveryThreshold: 8 }, { keepFiringForMs: 20 * SECOND }));
    await world.samples(9);
    expect(world.state()).toBe('');
    await world.samples(11, 9, 8.5);
    expect(world.state()).toBe('firing');
    await world.samples(8);
    expect(world.state()).toBe('firing, well');
    await world.samples(9);
    expect(world.state()).toBe('firing');
    await world.samples(7, 7, 7, 9);
    expect(world.state()).toBe('');
  });

  test('a group that is bad again is another alert', async () => {
    await world.addRule(metricRule(LAST));
    await world.samples(11);
    const [first] = world.evaluator.alerts();
    await world.samples(5, 11);
    const [second] = world.evaluator.alerts();
    expect(second!.groupKey).toBe(first!.groupKey);
    expect(second!.id).not.toBe(first!.id);
  });
});

describe('clocks', () => {
  test('set ahead: a for does not jump', async () => {
    await world.addRule(metricRule(LAST, { forMs: 10 * MINUTE }));
    await world.samples(50);
    world.nowMs += 24 * 60 * MINUTE;
    await world.samples(50);
    expect(world.state()).toBe('pending');
  });

  test('set back: evaluations go on, and so does the for', async () => {
    await world.addRule(metricRule(LAST, { forMs: 30 * SECOND }));
    await world.samples(50, 50);
    world.nowMs -= 60 * MINUTE;
    // That agent's clock is the one that is right, its samples are ahead of ours.
    await world.samples(50, 50, 50);
    expect(world.state()).toBe('firing');
  });
});
