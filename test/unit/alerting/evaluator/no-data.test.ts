import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AlertWorld, INTERVAL, LAST, MINUTE, metricRule, SECOND, T0 } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

describe('no data', () => {
  const policy = (noData: 'ok' | 'keep' | 'alert', forMs = 0) => world.addRule(metricRule({ ...LAST, noData }, { forMs }));

  test('keep: everything stays as it is', async () => {
    await policy('keep');
    await world.samples(50);
    await world.pass(60 * MINUTE);
    expect(world.state()).toBe('firing');
    expect(world.news()).toEqual(['firing']);
  });

  test('keep: a for stands still', async () => {
    await policy('keep', 3 * MINUTE);
    await world.samples(...Array.from({ length: 10 }, () => 50));
    // 90 s have gone by, and 50 s more do while the window holds the last one: its agent is there.
    for (let i = 0; i < 100; i += 1) await world.pass(INTERVAL);
    await world.samples(50, 50, 50);
    expect(world.state()).toBe('pending');
    await world.samples(50);
    expect(world.state()).toBe('firing');
  });

  test('keep: the time for which it goes on firing stands still', async () => {
    await world.addRule(metricRule(LAST, { keepFiringForMs: 3 * MINUTE }));
    await world.samples(50, ...Array.from({ length: 10 }, () => 5));
    for (let i = 0; i < 100; i += 1) await world.pass(INTERVAL);
    await world.samples(5, 5, 5);
    expect(world.state()).toBe('firing, well');
    await world.samples(5);
    expect(world.state()).toBe('');
  });

  test.each(['max', 'avg', 'sum', 'count', 'p90'] as const)(
    '%s: what was bad slides out of the window of a silent agent',
    async (aggregation) => {
      await world.addRule(metricRule({ aggregation, threshold: 5, windowMs: 10 * MINUTE }));
      await world.samples(...Array.from({ length: 10 }, () => 50), 1, 1, 1, 1, 1);
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
    await world.samples(50, 1, 1);
    const lastMs = world.nowMs;
    while (world.nowMs < lastMs + 5 * MINUTE - INTERVAL) await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
    await world.pass(INTERVAL);
    expect(world.news()).toEqual(['firing', 'resolved: recovered']);
  });

  test('ok: counts as well', async () => {
    await policy('ok');
    await world.samples(50);
    await world.pass(2 * MINUTE);
    expect(world.news()).toEqual(['firing', 'resolved: recovered']);
  });

  test('alert: counts as bad, while the agent is there', async () => {
    await policy('alert', 20 * SECOND);
    await world.samples(5);
    await world.pass(2 * MINUTE);
    await world.pass(20 * SECOND);
    expect(world.evaluator.alerts()).toMatchObject([{ state: 'firing', value: null }]);
    await world.samples(5);
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
    await world.samples(5);
    await world.pass(2 * MINUTE);
    world.setAgent('a', { status: 'disconnected' });
    await world.pass(INTERVAL);
    expect(world.state()).toBe('firing');
  });
});
