import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AlertWorld, INTERVAL, LAST, MINUTE, metricRule, SECOND, T0 } from '../../../helpers/alert-world.js';

let world: AlertWorld;
beforeEach(async () => {
  world = new AlertWorld('a', 'b');
  await world.start();
});
afterEach(() => world.stop());

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
    world.setAgent('a', { status: 'disconnected' });
    await world.restart(0);
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
    await world.samples(50);
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
