import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultRules } from '../../../../src/alerting/default-rules.js';
import { AlertWorld, LAST, MINUTE, metricRule } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

describe('rules that change', () => {
  test.each([
    ['changed', 'rule_changed'],
    ['disabled', 'rule_disabled'],
    ['deleted', 'rule_deleted'],
  ] as const)('%s: its alerts are over', async (what, reason) => {
    const { id } = await world.addRule(metricRule(LAST));
    await world.samples(50);
    world.news();
    const fields = metricRule(LAST, what === 'disabled' ? { enabled: false } : { severity: 'info' });
    world.nowMs += 1;
    if (what === 'deleted') await world.stores.rules.remove(id);
    else await world.stores.rules.update(id, fields, world.nowMs);
    await world.evaluator.rulesChanged();
    expect(world.news()).toEqual([`resolved: ${reason}`]);
    await world.samples(50);
    expect(world.news()).toEqual(what === 'changed' ? ['firing'] : []);
  });

  test.each([
    ['changed', 'rule_changed'],
    ['deleted', 'rule_deleted'],
  ] as const)('%s while the server was off', async (what, reason) => {
    const { id } = await world.addRule(metricRule(LAST));
    await world.samples(50);
    world.news();
    await world.stop();
    if (what === 'deleted') await world.stores.rules.remove(id);
    else await world.stores.rules.update(id, metricRule(LAST, { severity: 'critical' }), world.nowMs + 1);
    await world.restart(MINUTE);
    expect(world.news()).toEqual([`resolved: ${reason}`]);
  });

  test('other rules are left alone', async () => {
    await world.addRule(metricRule(LAST));
    await world.samples(50);
    world.news();
    await world.addRule(metricRule({ threshold: 100 }, { name: 'other' }));
    expect(world.news()).toEqual([]);
    expect(world.state()).toBe('firing');
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
