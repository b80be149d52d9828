import { describe, expect, test } from '@jest/globals';
import type { AgentRule, MetricRule, RuleTest } from '../../../web/src/app/core/alert-types.js';
import { lasting } from '../../../web/src/app/core/time-range.js';
import { chartQuestion, firedGroups, marksOf, testText, union } from '../../../web/src/app/pages/alerts/preview-data.js';
import { bodyOf, copyOf, formErrors, formOf, testBodyOf } from '../../../web/src/app/pages/alerts/rule-form.js';

const DAY = lasting(86_400_000);
const base = {
  id: '4',
  name: 'High latency',
  agent_filter: { agent_ids: ['web-1'], providers: [], regions: [], tags: { target: 'http://a:80' } },
  severity: 'warning',
  for: 600,
  keep_firing_for: 0,
  interval: 30,
  labels: { team: 'net' },
  annotations: { summary: 'slow', runbook: 'https://example.org' },
  enabled: true,
  is_default: false,
  status: { last_evaluated_at: null, duration_ms: null, error: null, matched: null, groups: 0, pending: 0, firing: 0, warning: null },
} as const;

const metricRule: MetricRule = {
  ...base,
  kind: 'metric',
  metric_name: 'ping_rtt_avg_ms',
  aggregation: 'avg',
  window: 300,
  condition: 'gt',
  threshold: 250,
  recovery_threshold: 200,
  by: null,
  no_data: 'keep',
};
const agentRule: AgentRule = { ...base, kind: 'agent', agent_condition: 'stale', threshold: 120 };

describe('the form of a rule', () => {
  test('sends what it was given', () => {
    expect(bodyOf(formOf(metricRule))).toEqual({
      name: 'High latency',
      kind: 'metric',
      metric_name: 'ping_rtt_avg_ms',
      aggregation: 'avg',
      window: '5m',
      condition: 'gt',
      threshold: 250,
      recovery_threshold: 200,
      by: null,
      no_data: 'keep',
      agent_filter: { agent_ids: ['web-1'], providers: [], regions: [], tags: { target: 'http://a:80' } },
      severity: 'warning',
      for: '10m',
      keep_firing_for: '0s',
      interval: '30s',
      labels: { team: 'net' },
      annotations: { summary: 'slow', runbook: 'https://example.org' },
      enabled: true,
    });
    expect(bodyOf(formOf(agentRule))).toMatchObject({
      kind: 'agent',
      agent_condition: 'stale',
      threshold: 120,
      agent_filter: { tags: {} },
    });
    expect(bodyOf(formOf(agentRule))).not.toHaveProperty('metric_name');
  });

  test('leaves what is no number to the server, and what has no meaning out', () => {
    const form = { ...formOf(metricRule), threshold: ' 1,5 ', condition: 'eq' as const };
    expect(bodyOf(form)).toMatchObject({ threshold: '1,5', recovery_threshold: null });
    expect(bodyOf({ ...formOf(agentRule), agentCondition: 'disconnected' })).toMatchObject({ threshold: null });
  });

  test('says what is missing before it is sent', () => {
    expect(Object.keys(formErrors(formOf(null)))).toEqual(['name', 'metric_name', 'threshold']);
    expect(formErrors(formOf(agentRule))).toEqual({});
  });

  test('of a copy has another name', () => {
    expect(copyOf(metricRule).name).toBe('High latency (copy)');
  });

  test('can be tried as soon as there is a metric and a threshold', () => {
    expect(testBodyOf(formOf(null))).toBeNull();
    expect(testBodyOf({ ...formOf(metricRule), name: '' })).toMatchObject({ name: 'preview', annotations: {}, enabled: true });
  });
});

describe('the chart beside a rule', () => {
  test('shows values of its windows, line by group', () => {
    expect(chartQuestion(formOf(metricRule), DAY, null)).toEqual({
      metricName: 'ping_rtt_avg_ms',
      agentId: ['web-1'],
      provider: [],
      region: [],
      tag: ['target:http://a:80'],
      aggregation: 'avg',
      groupBy: 'series',
      limit: 20,
      interval: '300s',
      timeRange: '1d',
    });
  });

  test('of another grouping, of the newest values, of windows that are too wide or too narrow for it', () => {
    const form = { ...formOf(metricRule), isByDefault: false, by: ['agent', 'target', 'name'], aggregation: 'last', window: '1d' };
    expect(chartQuestion(form, DAY, null)).toMatchObject({ aggregation: 'avg', groupBy: 'name,agent,tag:target', interval: 'auto' });
    expect(chartQuestion({ ...form, window: '10s' }, DAY, null)).toMatchObject({ interval: 'auto' });
    expect(chartQuestion({ ...form, aggregation: 'sum' }, DAY, null)).toMatchObject({ interval: '86400s' });
  });

  test('of one group asks for its labels alone', () => {
    const labels = { alertname: 'preview', severity: 'warning', agent: 'web-2', target: 'b' };
    expect(chartQuestion({ ...formOf(metricRule), tags: [] }, DAY, labels)).toMatchObject({ agentId: ['web-2'], tag: ['target:b'] });
  });

  test('is not there without a metric, or of agents', () => {
    expect(chartQuestion(formOf(null), DAY, null)).toBeNull();
    expect(chartQuestion(formOf(agentRule), DAY, null)).toBeNull();
    expect(chartQuestion({ ...formOf(metricRule), window: 'soon' }, DAY, null)).toBeNull();
  });

  test('has lines where it fires and recovers', () => {
    expect(marksOf(formOf(metricRule), 'ms').map(({ value, label }) => [value, label])).toEqual([
      [250, 'fires > 250 ms'],
      [200, 'recovers ≤ 200 ms'],
    ]);
    expect(marksOf({ ...formOf(metricRule), threshold: 'x', recoveryThreshold: '' }, 'ms')).toEqual([]);
  });
});

describe('what a rule would have done', () => {
  const result: RuleTest = {
    period: { start: '2026-11-22T00:00:00.000Z', end: '2026-11-22T10:00:00.000Z' },
    interval: 30,
    matched: 3,
    truncated: false,
    warning: null,
    groups: [
      { labels: { agent: 'a' }, firings: [{ from: '2026-11-22T01:00:00.000Z', to: '2026-11-22T02:00:00.000Z', peak: 5 }] },
      { labels: { agent: 'b' }, firings: [] },
      {
        labels: { agent: 'c' },
        firings: [
          { from: '2026-11-22T01:30:00.000Z', to: '2026-11-22T03:00:00.000Z', peak: 9 },
          { from: '2026-11-22T09:00:00.000Z', to: null, peak: 7 },
        ],
      },
    ],
  };

  test('is listed by group, the worst first; what goes on lasts to the end', () => {
    const fired = firedGroups(result, 'gt');
    expect(fired.map(({ text, times, totalMs, peak }) => [text, times, totalMs, peak])).toEqual([
      ['agent=c', 2, 9_000_000, 9],
      ['agent=a', 1, 3_600_000, 5],
    ]);
    expect(fired[0]?.bars).toEqual([
      { left: 15, width: 15 },
      { left: 90, width: 10 },
    ]);
    expect(firedGroups(result, 'lt')[0]?.peak).toBe(7);
    expect(testText(result, fired)).toBe('It would have fired 3 times, in 2 groups; the longest for 1 h 30 min.');
  });

  test('is nothing, of nothing or of what was well', () => {
    expect(testText({ ...result, groups: [] }, [])).toBe('It would not have fired.');
    expect(testText({ ...result, groups: [], matched: 0 }, [])).toBe('It looks at nothing: no series matches.');
  });

  test('is shaded once where groups overlap', () => {
    const spans = firedGroups(result, 'gt').flatMap((group) => group.spans);
    const at = (hour: number): number => Date.parse('2026-11-22T00:00:00.000Z') + hour * 3_600_000;
    expect(union(spans)).toEqual([
      { startMs: at(1), endMs: at(3) },
      { startMs: at(9), endMs: at(10) },
    ]);
  });
});
