import { describe, expect, test } from '@jest/globals';
import { UpgradeGate, type UpgradeGateSettings } from '../../../src/http/upgrade-gate.js';

const SETTINGS: UpgradeGateSettings = {
  upgradesPerSecond: 1_000,
  upgradeWaitMs: 5_000,
  maxWaitingUpgrades: 20_000,
  maxConnections: 50_000,
};

/** `admitted`, or the code of the refusal. */
type Outcome = string;

function visitor(onDone?: (outcome: Outcome) => void) {
  let settle: (outcome: Outcome) => void = () => {};
  const outcome = new Promise<Outcome>((resolve) => {
    settle = (what) => {
      onDone?.(what);
      resolve(what);
    };
  });
  return { outcome, admit: () => settle('admitted'), refuse: (error: { code: string }) => settle(error.code) };
}

describe('the gate', () => {
  test('lets a single one in at once', () => {
    const gate = new UpgradeGate(SETTINGS, () => 0);
    let done: Outcome | null = null;
    gate.enter(visitor((outcome) => (done = outcome)));
    expect(done).toBe('admitted');
    expect(gate.waiting).toBe(0);
  });

  test('a storm comes in at the pace, in order, and nobody is refused', async () => {
    const gate = new UpgradeGate({ ...SETTINGS, upgradesPerSecond: 20_000 }, () => 0);
    const order: number[] = [];
    const startedMs = performance.now();
    const outcomes = Array.from({ length: 10_000 }, (_, i) => {
      const one = visitor(() => order.push(i));
      gate.enter(one);
      return one.outcome;
    });
    const queueingMs = performance.now() - startedMs;
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['admitted']));
    const seconds = (performance.now() - startedMs) / 1_000;
    expect(order).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    expect(queueingMs).toBeLessThan(500);
    // 10,000 at 20,000 a second, less the 1,000 of the first burst.
    expect(seconds).toBeGreaterThanOrEqual(0.44);
    expect(seconds).toBeLessThan(5);
  });

  test('holds while it is full, and goes on when there is room', async () => {
    let connections = 2;
    const gate = new UpgradeGate({ ...SETTINGS, maxConnections: 2 }, () => connections);
    const first = visitor(() => {
      connections += 1;
    });
    const second = visitor();
    gate.enter(first);
    gate.enter(second);
    expect(gate.waiting).toBe(2);
    connections = 1;
    expect(await first.outcome).toBe('admitted');
    expect(gate.waiting).toBe(1);
    gate.close();
    expect(await second.outcome).toBe('shutting_down');
  });

  test('waiting too long ends in a refusal', async () => {
    const gate = new UpgradeGate({ ...SETTINGS, maxConnections: 0, upgradeWaitMs: 40 }, () => 0);
    const startedMs = performance.now();
    const one = visitor();
    gate.enter(one);
    expect(await one.outcome).toBe('overloaded');
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(39);
    expect(gate.waiting).toBe(0);
  });

  test('too many waiting: the next one is refused at once', async () => {
    const gate = new UpgradeGate({ ...SETTINGS, maxConnections: 0, maxWaitingUpgrades: 3 }, () => 0);
    const all = Array.from({ length: 4 }, () => visitor());
    for (const one of all) gate.enter(one);
    expect(await all[3]?.outcome).toBe('overloaded');
    expect(gate.waiting).toBe(3);
    gate.close();
  });

  test('whoever leaves frees the place and hears nothing more', async () => {
    const gate = new UpgradeGate({ ...SETTINGS, maxConnections: 0, maxWaitingUpgrades: 1 }, () => 0);
    const outcomes: Outcome[] = [];
    const first = visitor((outcome) => outcomes.push(outcome));
    gate.enter(first);
    gate.leave(first);
    expect(gate.waiting).toBe(0);
    const second = visitor();
    gate.enter(second);
    expect(gate.waiting).toBe(1);
    gate.close();
    expect(await second.outcome).toBe('shutting_down');
    expect(outcomes).toEqual([]);
  });

  test('after closing nobody comes in', async () => {
    const gate = new UpgradeGate(SETTINGS, () => 0);
    gate.close();
    const late = visitor();
    gate.enter(late);
    expect(await late.outcome).toBe('shutting_down');
  });
});
