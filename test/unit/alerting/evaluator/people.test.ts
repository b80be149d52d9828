import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AlertWorld, LAST, MINUTE, metricRule, SECOND } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

describe('people', () => {
  test('an acknowledgement stays with the alert', async () => {
    await world.addRule(metricRule(LAST, { keepFiringForMs: MINUTE }));
    await world.samples(50);
    const [alert] = world.evaluator.alerts();
    const acknowledgement = { by: 'ana', comment: 'on it', atMs: world.nowMs };
    expect(await world.evaluator.acknowledge(alert!.id, acknowledgement)).toMatchObject({ id: alert!.id, acknowledgement });
    await world.samples(5);
    expect(world.stores.alerts.rows.get(alert!.id)).toMatchObject({ acknowledgement });
    expect(await world.evaluator.acknowledge('none', null)).toBeNull();
  });

  test('one that nobody can measure any more ends when somebody says so', async () => {
    await world.addRule(metricRule(LAST));
    await world.samples(50);
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
    await world.samples(50, 50, 50);
    const [alert] = world.evaluator.alerts();
    await world.evaluator.dismiss(alert!.id);
    await world.samples(50, 50, 50);
    expect(world.news()).toEqual(['pending', 'firing', 'resolved: dismissed', 'pending', 'firing']);
  });

  test('a listener that fails does not keep others from hearing', async () => {
    await world.addRule(metricRule(LAST));
    const heard: unknown[] = [];
    world.evaluator.onChanged(() => {
      throw new Error('no');
    });
    const leave = world.evaluator.onChanged((alerts) => heard.push(...alerts));
    await world.samples(50);
    leave();
    await world.samples(5);
    expect(heard).toHaveLength(1);
  });
});
