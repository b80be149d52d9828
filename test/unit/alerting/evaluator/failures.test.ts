import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AppError } from '../../../../src/model/errors.js';
import type { TotalsQuery } from '../../../../src/storage/ports.js';
import { AlertWorld, INTERVAL, LAST, MINUTE, metricRule, SECOND } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

describe('when storage fails', () => {
  test('what could not be saved has not happened, and is found again', async () => {
    await world.addRule(metricRule(LAST));
    world.stores.alerts.failWith = new AppError('storage_full', 'no room');
    await world.samples(50, 50);
    expect(world.state()).toBe('');
    expect(world.news()).toEqual([]);
    world.stores.alerts.failWith = null;
    await world.samples(50);
    expect(world.news()).toEqual(['firing']);
    expect(world.logger.of('warn')).toHaveLength(1);
  });

  test('what was saved without an answer is told when that is known', async () => {
    await world.addRule(metricRule(LAST));
    world.stores.alerts.loseAnswers = true;
    await world.samples(50);
    expect(world.news()).toEqual([]);
    world.stores.alerts.loseAnswers = false;
    await world.samples(50);
    expect(world.news()).toEqual(['firing']);
    world.stores.alerts.loseAnswers = true;
    await world.samples(5);
    expect(world.news()).toEqual([]);
    world.stores.alerts.loseAnswers = false;
    await world.samples(5);
    expect(world.news()).toEqual(['resolved: recovered']);
    expect(world.stores.alerts.rows.size).toBe(1);
    expect(world.systemAlerts).toHaveLength(2);
  });

  test('what was saved without an answer is over for the reason it was', async () => {
    const { id } = await world.addRule(metricRule(LAST));
    await world.addRule(metricRule(LAST, { name: 'other' }));
    await world.samples(50);
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
    await world.samples(50, 5);
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
    await world.samples(50);
    expect(world.evaluator.status(bad.id)).toMatchObject({ error: 'it took too long', lastEvaluatedAtMs: null });
    expect(world.evaluator.status(good.id)).toMatchObject({ error: null, firing: 1, pending: 0 });
    // Its class's is there again.
    delete reader.totals;
    await world.samples(50);
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
    await world.samples(50);
    expect(world.news()).toEqual([]);
    world.stores.alerts.failWith = null;
    delete reader.aggregate;
    await world.samples(50, 50, 50);
    expect(world.news()).toEqual(['firing']);
    const lookedAtMs = world.evaluator.status(id)!.lastEvaluatedAtMs!;
    await world.samples(50, 50, 50, 50);
    expect(world.evaluator.status(id)).toMatchObject({ lastEvaluatedAtMs: lookedAtMs });
  });

  test('a change that comes while an earlier one is taken over, and cannot be read, is not forgotten', async () => {
    await world.addRule(metricRule(LAST));
    await world.samples(50);
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
    await world.samples(50);
    world.stores.rules.failWith = new AppError('storage_unavailable', 'away');
    await world.evaluator.rulesChanged();
    expect(world.logger.of('warn')).toHaveLength(1);
    world.stores.rules.failWith = null;
    world.stores.rules.rows.clear();
    await world.pass(SECOND);
    expect(world.news()).toEqual(['firing', 'resolved: rule_deleted']);
  });
});
