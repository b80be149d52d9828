import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AlertWorld, LAST, MINUTE, metricRule } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

describe('restarts', () => {
  const RESTARTS = ['restart', 'crash'] as const;

  test.each(RESTARTS)('%s in the middle of a for', async (how) => {
    await world.addRule(metricRule(LAST, { forMs: 10 * MINUTE }));
    await world.samples(...Array.from({ length: 31 }, () => 50));
    await world[how](MINUTE);
    expect(world.state()).toBe('pending');
    await world.samples(...Array.from({ length: 23 }, () => 50));
    expect(world.state()).toBe('pending');
    await world.samples(...Array.from({ length: 7 }, () => 50));
    expect(world.news()).toEqual(['pending', 'firing']);
  });

  test('of a long time off only so much counts', async () => {
    await world.addRule(metricRule(LAST, { forMs: 10 * MINUTE }));
    await world.samples(50);
    await world.restart(60 * MINUTE);
    await world.samples(50);
    expect(world.state()).toBe('pending');
    await world.samples(...Array.from({ length: 28 }, () => 50));
    expect(world.state()).toBe('pending');
    await world.samples(...Array.from({ length: 2 }, () => 50));
    expect(world.state()).toBe('firing');
  });

  test.each(RESTARTS)('%s while it fires tells nobody twice', async (how) => {
    await world.addRule(metricRule(LAST));
    await world.samples(50);
    const [before] = world.evaluator.alerts();
    await world[how](MINUTE);
    await world.samples(50, 50);
    expect(world.news()).toEqual(['firing']);
    expect(world.systemAlerts).toHaveLength(1);
    expect(world.evaluator.alerts()).toMatchObject([{ id: before!.id, firingSinceMs: before!.firingSinceMs }]);
    await world.samples(5);
    expect(world.news()).toEqual(['resolved: recovered']);
  });

  test.each(RESTARTS)('%s while it goes on firing', async (how) => {
    await world.addRule(metricRule(LAST, { keepFiringForMs: 2 * MINUTE }));
    await world.samples(50, 5, 5, 5);
    await world[how](MINUTE);
    expect(world.state()).toBe('firing, well');
    await world.samples(5);
    expect(world.state()).toBe('firing, well');
    await world.samples(5, 5, 5);
    expect(world.news()).toEqual(['firing', 'firing, well', 'resolved: recovered']);
  });

  test('an agent that was deleted meanwhile', async () => {
    await world.addRule(metricRule(LAST));
    await world.samples(50);
    world.news();
    world.agents.agents.delete('a');
    await world.restart(MINUTE);
    expect(world.news()).toEqual(['resolved: agent_deleted']);
  });
});
