import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AlertWorld, INTERVAL, LAST, MINUTE, metricRule, SECOND } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

describe('places', () => {
  const down = { ...metricRule({}, { name: 'down' }), subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null } } as const;
  const bad = (...names: string[]): void => names.forEach((n) => world.sample(50, { tags: { n } }));
  const found = () => world.evaluator.alerts().map(({ labels: { alertname, agent, n } }) => [alertname, n ?? agent]);
  const ofAtMost = async (most: number): Promise<void> => {
    world.maxActive = most;
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
    await world.samples(50);
    expect(found()).toHaveLength(3);
    await world.samples(5);
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
});
