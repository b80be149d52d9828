/** What a rule would have done is what it does: the same samples, evaluated as they come and afterwards. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backtest } from '../../../src/alerting/backtest.js';
import type { MetricSubject } from '../../../src/model/alert.js';
import { AlertWorld, metricRule, SECOND, T0 } from '../../helpers/alert-world.js';

const INTERVAL = 10 * SECOND;

const rules = fc
  .record({
    aggregation: fc.constantFrom('avg', 'min', 'max', 'sum', 'count', 'last'),
    // Samples in it are always news.
    windowMs: fc.constantFrom(5 * SECOND, INTERVAL, 30 * SECOND, 60 * SECOND),
    condition: fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq', 'ne'),
    threshold: fc.integer({ min: 1, max: 4 }),
    recoveryThreshold: fc.option(fc.integer({ min: 0, max: 5 })),
    noData: fc.constantFrom('keep', 'ok'),
    by: fc.constantFrom(null, []),
    forMs: fc.constantFrom(0, INTERVAL, 40 * SECOND),
    keepFiringForMs: fc.constantFrom(0, INTERVAL, 40 * SECOND),
  })
  .map(({ forMs, keepFiringForMs, ...subject }) =>
    metricRule(subject as Partial<MetricSubject>, { forMs, keepFiringForMs, intervalMs: INTERVAL }),
  );
const sample = fc.record({
  ageMs: fc.integer({ min: 1, max: INTERVAL }),
  core: fc.constantFrom('0', '1'),
  value: fc.integer({ min: 0, max: 5 }),
});

describe('a rule tried on the past', () => {
  test('fires when the evaluator did', async () => {
    await fc.assert(
      fc.asyncProperty(rules, fc.array(fc.array(sample, { maxLength: 3 }), { minLength: 1, maxLength: 60 }), async (rule, story) => {
        const world = new AlertWorld('a');
        try {
          await world.start();
          await world.addRule(rule);
          for (const samples of story) {
            world.wait(INTERVAL);
            for (const { ageMs, core, value } of samples) world.sample(value, { timestampMs: world.nowMs - ageMs, tags: { core } });
            await world.pass(0);
          }
          const over = await world.stores.alerts.history({ limit: 1_000, offset: 0 });
          const happened = [...over.alerts, ...world.evaluator.alerts().filter(({ state }) => state === 'firing')];
          const { alerts, stepMs } = await backtest(world.reader, rule, { startMs: T0, endMs: world.nowMs });
          expect(stepMs).toBe(INTERVAL);
          const text = (alert: {
            labels: object;
            startedAtMs: number;
            firingSinceMs: number | null;
            resolvedAtMs: number | null;
          }): string => JSON.stringify([alert.labels, alert.startedAtMs - T0, (alert.firingSinceMs ?? 0) - T0, alert.resolvedAtMs]);
          expect(alerts.map(text).sort()).toEqual(happened.map(text).sort());
        } finally {
          await world.stop();
        }
      }),
      { numRuns: 100 },
    );
  });
});
