import { describe, expect, test } from '@jest/globals';
import { NOT_EVALUATED, presentRule } from '../../../src/alerting/rule-answer.js';
import { parseRule } from '../../../src/alerting/rule-body.js';
import type { AlertRule, AlertRuleFields } from '../../../src/model/alert.js';

const LATENCY = { name: 'Slow', metric_name: 'ping_rtt_avg_ms', threshold: 200 };

function stored(fields: AlertRuleFields): AlertRule {
  return { ...fields, id: '7', isDefault: false, createdAtMs: 0, updatedAtMs: 0 };
}

function problem(body: unknown): unknown {
  try {
    parseRule(body, null);
    return null;
  } catch (error) {
    const { code, details } = error as { code: string; details: { field: string }[] };
    return [code, ...details.map(({ field }) => field)];
  }
}

describe('a rule', () => {
  test('needs a name, a metric and a threshold; the rest has defaults', () => {
    expect(parseRule(LATENCY, null)).toEqual({
      name: 'Slow',
      subject: {
        kind: 'metric',
        metricName: 'ping_rtt_avg_ms',
        aggregation: 'avg',
        windowMs: 300_000,
        condition: 'gt',
        threshold: 200,
        recoveryThreshold: null,
        by: null,
        noData: 'keep',
      },
      filter: {},
      severity: 'warning',
      forMs: 0,
      keepFiringForMs: 0,
      intervalMs: 30_000,
      labels: {},
      annotations: {},
      enabled: true,
    });
  });

  test('is taken in both spellings', () => {
    const snake = {
      ...LATENCY,
      recovery_threshold: 150,
      no_data: 'alert',
      keep_firing_for: '2m',
      for: '5m',
      agent_filter: { agent_ids: ['a'], providers: ['gcp'], regions: [], tags: { target: '8.8.8.8' } },
    };
    const camel = {
      name: 'Slow',
      metricName: 'ping_rtt_avg_ms',
      threshold: 200,
      recoveryThreshold: 150,
      noData: 'alert',
      keepFiringFor: 120,
      for: 300,
      agentFilter: { agentIds: ['a'], providers: ['gcp'], tags: { target: '8.8.8.8' } },
    };
    expect(parseRule(camel, null)).toEqual(parseRule(snake, null));
    expect(parseRule(snake, null).filter).toEqual({ agentIds: ['a'], providers: ['gcp'], tags: [{ key: 'target', value: '8.8.8.8' }] });
  });

  test('about agents has seconds for a threshold, where one has a meaning', () => {
    expect(parseRule({ name: 'Gone', agent_condition: 'disconnected', for: '2m' }, null)).toMatchObject({
      subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null },
      forMs: 120_000,
    });
    expect(parseRule({ name: 'Skew', agentCondition: 'clock_skew', threshold: 30 }, null).subject).toEqual({
      kind: 'agent',
      condition: 'clock_skew',
      thresholdMs: 30_000,
    });
    expect(problem({ name: 'Gone', agent_condition: 'disconnected', threshold: 5 })).toEqual(['validation_failed', 'threshold']);
  });

  test.each([
    [{}, 'name'],
    [{ name: 'x' }, 'metric_name'],
    [{ name: 'x', metric_name: 'm' }, 'threshold'],
    [{ ...LATENCY, condition: 'above' }, 'condition'],
    [{ ...LATENCY, aggregation: 'p100' }, 'aggregation'],
    [{ ...LATENCY, window: '2 weeks' }, 'window'],
    [{ ...LATENCY, interval: 1 }, 'interval'],
    [{ ...LATENCY, severity: 'loud' }, 'severity'],
    [{ ...LATENCY, labels: { severity: 'mine' } }, 'labels.severity'],
    [{ ...LATENCY, recovery_threshold: 300 }, 'recovery_threshold'],
    [{ ...LATENCY, condition: 'lt', recovery_threshold: 100 }, 'recovery_threshold'],
    [{ ...LATENCY, condition: 'eq', recovery_threshold: 200 }, 'recovery_threshold'],
    [{ ...LATENCY, agent_filter: { agent_ids: ['a/b'] } }, 'agent_filter.agent_ids.0'],
    [{ name: 'x', agent_condition: 'stale', agent_filter: { tags: { target: '8.8.8.8' } } }, 'agent_filter.tags'],
    [{ ...LATENCY, by: Array.from({ length: 21 }, (_, i) => `tag-${i}`) }, 'by'],
    [{ ...LATENCY, labels: { team: 'x'.repeat(1_025) } }, 'labels.team'],
    [{ ...LATENCY, treshold: 3 }, 'treshold'],
  ])('%j is refused, naming the field', (body, field) => {
    expect(problem(body)).toEqual(['validation_failed', field]);
  });

  test('about agents knows no tags: those of the rule it was go', () => {
    const before = stored(parseRule({ ...LATENCY, agent_filter: { providers: ['gcp'], tags: { target: '8.8.8.8' } } }, null));
    expect(parseRule({ agent_condition: 'stale' }, before).filter).toEqual({ providers: ['gcp'] });
    expect(parseRule({ name: 'x', agent_condition: 'stale', agent_filter: { tags: {} } }, null).filter).toEqual({});
  });

  test('with a long window is looked at less often', () => {
    expect(parseRule({ ...LATENCY, window: '1d' }, null).intervalMs).toBe(864_000);
    expect(problem({ ...LATENCY, window: '1d', interval: '5m' })).toEqual(['validation_failed', 'interval']);
    expect(parseRule({ window: '2h' }, stored(parseRule(LATENCY, null))).intervalMs).toBe(72_000);
    expect(parseRule({ ...LATENCY, window: '5m', interval: 5 }, null).intervalMs).toBe(5_000);
  });

  test('is changed by what is given alone', () => {
    const before = parseRule({ ...LATENCY, for: '5m', labels: { team: 'net' }, recovery_threshold: 150 }, null);
    expect(parseRule({ threshold: 250 }, stored(before))).toEqual({ ...before, subject: { ...before.subject, threshold: 250 } });
    expect(parseRule({ recovery_threshold: null, enabled: false }, stored(before))).toEqual({
      ...before,
      enabled: false,
      subject: { ...before.subject, recoveryThreshold: null },
    });
  });

  test('comes out as it may go in again', () => {
    const bodies = [
      { ...LATENCY, by: ['agent', 'target'], for: '90s', agent_filter: { tags: { a: 'b' } }, annotations: { summary: '{{ value }}' } },
      { name: 'Gone', agent_condition: 'stale', threshold: 600, severity: 'critical' },
    ];
    for (const body of bodies) {
      const fields = parseRule(body, null);
      expect(parseRule(presentRule(stored(fields), NOT_EVALUATED), null)).toEqual(fields);
    }
  });

  test('that matches nothing says so, once it was looked at', () => {
    const rule = stored(parseRule(LATENCY, null));
    expect(presentRule(rule, NOT_EVALUATED).status.warning).toBeNull();
    expect(presentRule(rule, { ...NOT_EVALUATED, lastEvaluatedAtMs: 5, matchedSeries: 0 }).status.warning).toBe(
      'no series matches this rule',
    );
    expect(
      presentRule({ ...rule, enabled: false }, { ...NOT_EVALUATED, lastEvaluatedAtMs: 5, matchedSeries: 0 }).status.warning,
    ).toBeNull();
  });

  test.each([
    [1, '1 group is bad, but holds samples that came late: it can begin to fire when those have left the window'],
    [3, '3 groups are bad, but hold samples that came late: they can begin to fire when those have left the window'],
  ])('of which %i groups are held back says so', (heldBack, warning) => {
    const rule = stored(parseRule(LATENCY, null));
    expect(presentRule(rule, { ...NOT_EVALUATED, matchedSeries: 5, heldBack }).status.warning).toBe(warning);
  });
});
