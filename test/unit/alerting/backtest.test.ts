import { describe, expect, test } from '@jest/globals';
import { backtest } from '../../../src/alerting/backtest.js';
import type { AlertRuleFields, MetricSubject } from '../../../src/model/alert.js';
import { AppError } from '../../../src/model/errors.js';
import type { AggregateQuery } from '../../../src/storage/ports.js';
import { MINUTE, metricRule, SECOND, T0 } from '../../helpers/alert-world.js';
import { NaiveReader } from '../../helpers/naive-reader.js';

const HOUR = 60 * MINUTE;
const RANGE = { startMs: T0, endMs: T0 + HOUR };
const LAST: Partial<MetricSubject> = { aggregation: 'last' };

/** A sample every 30 s from the beginning on. */
function readerOf(values: readonly (number | null)[], everyMs = 30 * SECOND): NaiveReader {
  const reader = new NaiveReader();
  for (const [i, value] of values.entries()) {
    if (value !== null) reader.add({ agentId: 'a', name: 'load', timestampMs: T0 + i * everyMs, value });
  }
  return reader;
}

function rule(subject: Partial<MetricSubject>, fields: Partial<AlertRuleFields> = {}): AlertRuleFields {
  return metricRule(subject, { intervalMs: 30 * SECOND, ...fields });
}

const at = (steps: number): number => T0 + steps * 30 * SECOND;

describe('a rule tried on the past', () => {
  test('says when it would have fired, and how bad it was', async () => {
    const reader = readerOf([1, 20, 30, 5, 5, 5, 11, 5, 12]);
    expect(await backtest(reader, rule(LAST, { forMs: 30 * SECOND, labels: { team: 'net' } }), RANGE)).toEqual({
      range: RANGE,
      stepMs: 30 * SECOND,
      windowMs: MINUTE,
      evaluations: 121,
      matchedSeries: 1,
      groups: 1,
      alerts: [
        {
          labels: { agent: 'a', alertname: 'Load', severity: 'warning', team: 'net' },
          startedAtMs: at(2),
          firingSinceMs: at(3),
          resolvedAtMs: at(4),
          peakValue: 30,
        },
        expect.objectContaining({ startedAtMs: at(9), firingSinceMs: at(10), resolvedAtMs: null, peakValue: 12 }),
      ],
      isTruncated: false,
    });
  });

  test.each([
    ['avg', 12, at(2), 13],
    ['sum', 25, at(2), 26],
    ['min', 5, at(1), 6],
    ['max', 19, at(2), 20],
    ['count', 1, at(2), 2],
  ] as const)('%s of windows', async (aggregation, threshold, firingSinceMs, peakValue) => {
    const { alerts } = await backtest(readerOf([6, 20, 0, 0]), rule({ aggregation, threshold }), RANGE);
    expect(alerts[0]).toMatchObject({ firingSinceMs, peakValue });
  });

  test('percentiles are of windows that do not overlap', async () => {
    const reader = readerOf([1, 2, 40, 60, 1, 2]);
    const result = await backtest(reader, rule({ aggregation: 'p50' }), RANGE);
    expect(result).toMatchObject({ stepMs: MINUTE, windowMs: MINUTE });
    expect(result.alerts).toMatchObject([{ firingSinceMs: at(4), resolvedAtMs: at(6), peakValue: 50 }]);
  });

  test('rates of counters', async () => {
    const reader = new NaiveReader();
    for (let i = 0; i < 20; i += 1) {
      reader.add({ agentId: 'a', name: 'load', type: 'counter', timestampMs: T0 + i * 10 * SECOND, value: i < 10 ? i * 100 : 900 });
    }
    const { alerts } = await backtest(reader, rule({ aggregation: 'rate', threshold: 5 }, { intervalMs: 10 * SECOND }), RANGE);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]!.peakValue).toBeCloseTo(10, 0);
  });

  test.each([
    ['rate', 2],
    // Two samples of each are in a window.
    ['increase', 60],
  ] as const)('a %s of several counters is what each of them goes up', async (aggregation, value) => {
    const reader = new NaiveReader();
    // Each counts one a second, seen twice a minute, at different moments.
    for (const [agentId, offset] of [
      ['a', 0],
      ['b', 20],
    ] as const) {
      for (let i = 0; i < 40; i += 1)
        reader.add({ agentId, name: 'load', type: 'counter', timestampMs: T0 + (offset + 30 * i) * SECOND, value: 30 * i });
    }
    const tried = await backtest(reader, rule({ aggregation, by: [], threshold: value - 0.1 }, { intervalMs: 10 * SECOND }), RANGE);
    expect(tried.alerts).toMatchObject([{ peakValue: value }]);
  });

  test('an alert for what did not come', async () => {
    const values = [1, 1, 1, null, null, null, null, null, 1];
    const keep = await backtest(readerOf(values), rule({ ...LAST, noData: 'keep' }), RANGE);
    expect(keep.alerts).toEqual([]);
    const { alerts } = await backtest(readerOf(values), rule({ ...LAST, noData: 'alert' }), { startMs: T0, endMs: at(10) });
    expect(alerts).toMatchObject([{ firingSinceMs: at(5), resolvedAtMs: at(9), peakValue: null }]);
  });

  test('what was bad slides out of the window of a silent agent: that is not well', async () => {
    const values = [50, 50, ...Array.from({ length: 10 }, () => 1), ...Array.from({ length: 68 }, () => null), 1];
    const { alerts } = await backtest(readerOf(values), rule({ aggregation: 'max', windowMs: 10 * MINUTE }), RANGE);
    expect(alerts).toMatchObject([{ firingSinceMs: at(1), resolvedAtMs: at(81) }]);
    const ok = await backtest(readerOf(values), rule({ aggregation: 'max', windowMs: 10 * MINUTE, noData: 'ok' }), RANGE);
    // The last sample, of step 11, is in the window of ten minutes until then.
    expect(ok.alerts).toMatchObject([{ firingSinceMs: at(1), resolvedAtMs: at(32) }]);
  });

  test('its labels are those its alerts would have', async () => {
    const reader = new NaiveReader();
    for (const team of ['a', 'b']) reader.add({ agentId: 'a', name: 'load', timestampMs: T0, value: 20, tags: { team } });
    const { alerts } = await backtest(reader, rule(LAST, { labels: { team: 'net' } }), RANGE);
    expect(alerts.map(({ labels }) => [labels.team, labels.tag_team])).toEqual([
      ['net', 'a'],
      ['net', 'b'],
    ]);
  });

  test('a range of a month has so many steps and no more', async () => {
    const result = await backtest(readerOf([1]), rule({}), { startMs: T0 - 30 * 24 * HOUR, endMs: T0 });
    expect(result.evaluations).toBeLessThanOrEqual(2_001);
    expect(result.evaluations).toBeGreaterThan(1_900);
    expect(result.stepMs % (30 * SECOND)).toBe(0);
  });

  test('of days whose samples are gone it is told by what is left of them', async () => {
    const reader = readerOf([20, 20], 5 * MINUTE);
    const asked: (number | null)[] = [];
    const picky = {
      series: reader.series.bind(reader),
      samples: reader.samples.bind(reader),
      aggregate: (query: AggregateQuery) => {
        asked.push(query.stepMs);
        if ((query.stepMs ?? 0) % (5 * MINUTE) !== 0) return Promise.reject(new AppError('validation_failed', 'too narrow'));
        return reader.aggregate(query);
      },
    };
    const result = await backtest(picky, rule({}), RANGE);
    expect(asked).toEqual([30 * SECOND, 5 * MINUTE]);
    expect(result).toMatchObject({ stepMs: 5 * MINUTE, windowMs: 5 * MINUTE });
    expect(result.alerts).toMatchObject([{ firingSinceMs: T0 + 5 * MINUTE }]);
  });

  test('what cannot be read says why', async () => {
    const refusing = readerOf([1]);
    refusing.aggregate = () => Promise.reject(new AppError('validation_failed', 'too much'));
    await expect(backtest(refusing, rule({}), RANGE)).rejects.toMatchObject({ code: 'validation_failed', message: 'too much' });
  });

  test('a rule that matches nothing says so', async () => {
    const result = await backtest(readerOf([20]), rule({ metricName: 'laod' }), RANGE);
    expect(result).toMatchObject({ matchedSeries: 0, groups: 0, alerts: [] });
  });

  test('rules about agents cannot be tried', async () => {
    const fields: AlertRuleFields = { ...rule({}), subject: { kind: 'agent', condition: 'stale', thresholdMs: null } };
    await expect(backtest(readerOf([1]), fields, RANGE)).rejects.toMatchObject({ code: 'validation_failed' });
  });

  test('so many alerts and no more', async () => {
    const values = Array.from({ length: 4_100 }, (_, i) => (i % 2 === 0 ? 20 : 1));
    const { alerts, isTruncated } = await backtest(readerOf(values, SECOND), rule(LAST, { intervalMs: SECOND }), {
      startMs: T0,
      endMs: T0 + 2_000 * SECOND,
    });
    expect(alerts.length).toBe(1_000);
    expect(isTruncated).toBe(false);
    const two = readerOf(values, SECOND);
    two.add({ agentId: 'b', name: 'load', timestampMs: T0, value: 20 });
    expect(await backtest(two, rule(LAST, { intervalMs: SECOND }), { startMs: T0, endMs: T0 + 2_000 * SECOND })).toMatchObject({
      isTruncated: true,
    });
  });
});
