import { describe, expect, test } from '@jest/globals';
import type { Alert, MetricRule, Rule } from '../../../web/src/app/core/alert-types.js';
import {
  explorerParams,
  keepSame,
  labelsText,
  matchesRule,
  reasonText,
  ruleState,
  ruleText,
  unitOfAggregation,
  unitOfRule,
} from '../../../web/src/app/pages/alerts/alert-words.js';
import { firingWords } from '../../../web/src/app/pages/overview/firing-words.js';

const metricRule: MetricRule = {
  id: '7',
  name: 'High latency',
  kind: 'metric',
  metric_name: 'ping_rtt_avg_ms',
  aggregation: 'avg',
  window: 300,
  condition: 'gt',
  threshold: 250,
  recovery_threshold: null,
  by: null,
  no_data: 'keep',
  agent_filter: { agent_ids: [], providers: [], regions: [], tags: {} },
  severity: 'warning',
  for: 120,
  keep_firing_for: 0,
  interval: 30,
  labels: { team: 'net' },
  annotations: {},
  enabled: true,
  is_default: false,
  status: {
    last_evaluated_at: '2026-11-23T01:00:00.000Z',
    duration_ms: 1,
    error: null,
    matched: 3,
    groups: 3,
    pending: 0,
    firing: 0,
    warning: null,
  },
};

const agentRule = { ...metricRule, kind: 'agent', agent_condition: 'stale', threshold: null, for: 0 } as unknown as Rule;

const alert: Alert = {
  id: 'a',
  rule_id: '7',
  rule_name: 'High latency',
  state: 'firing',
  severity: 'warning',
  labels: { target: '8.8.8.8', severity: 'warning', alertname: 'High latency', agent: 'web-1', team: 'net' },
  annotations: {},
  agent_id: 'web-1',
  value: 300,
  started_at: '2026-11-23T10:00:00.000Z',
  firing_since: '2026-11-23T10:02:00.000Z',
  well_since: null,
  resolved_at: null,
  resolved_reason: null,
  acknowledgement: null,
  silenced_by: [],
  updated_at: '2026-11-23T10:02:00.000Z',
};

const NOW = Date.parse('2026-11-23T12:00:00.000Z');

describe('a rule in a sentence', () => {
  test('of a metric', () => {
    expect(ruleText(metricRule)).toBe('avg of ping_rtt_avg_ms over 5 min > 250 ms, for 2 min');
  });

  test('of agents, with the usual limit where none is given', () => {
    expect(ruleText(agentRule)).toBe('An agent has not been heard of for 5 min');
    expect(ruleText({ ...agentRule, agent_condition: 'clock_skew', threshold: 90 } as Rule)).toBe(
      'An agent has a clock that is off by more than 1 min 30 s',
    );
    expect(ruleText({ ...agentRule, agent_condition: 'disconnected', for: 120 } as Rule)).toBe('An agent is not connected, for 2 min');
  });

  test('is found by words of it', () => {
    expect(matchesRule(metricRule, 'RTT warning')).toBe(true);
    expect(matchesRule(metricRule, 'disk')).toBe(false);
  });
});

test('units are told by the name and changed by the aggregation', () => {
  expect(unitOfRule(metricRule)).toBe('ms');
  expect(unitOfRule(agentRule)).toBe('seconds');
  expect(unitOfRule(undefined)).toBeNull();
  expect(unitOfAggregation('count', 'ms')).toBeNull();
  expect(unitOfAggregation('rate', 'bytes')).toBe('bytes/sec');
});

test('the state of a rule says the worst of it', () => {
  const { status } = metricRule;
  const of = (part: Partial<MetricRule['status']>, enabled = true) =>
    ruleState({ ...metricRule, enabled, status: { ...status, ...part } }).text;
  expect(of({})).toBe('well');
  expect(of({ firing: 2, pending: 1 })).toBe('2 firing');
  expect(of({ pending: 1 })).toBe('1 pending');
  expect(of({ warning: 'no series matches this rule', matched: 0 })).toBe('matches nothing');
  expect(of({ warning: '1 group is bad, but holds samples that came late', matched: 4 })).toBe('held back');
  expect(of({ error: 'too much', firing: 1 })).toBe('cannot be evaluated');
  expect(of({ last_evaluated_at: null })).toBe('not looked at yet');
  expect(of({ firing: 2 }, false)).toBe('off');
});

test('an alert is told by its own labels, the agent first', () => {
  expect(labelsText(alert.labels)).toBe('agent=web-1, target=8.8.8.8, team=net');
  expect(labelsText({ severity: 'info', alertname: 'x' })).toBe('–');
});

describe('the explorer shows what an alert is about', () => {
  test('from an hour before it began until now, without labels that are no tags of the samples', () => {
    expect(explorerParams(alert, metricRule, NOW)).toEqual({
      m: 'ping_rtt_avg_ms',
      agent: 'web-1',
      tag: ['target:8.8.8.8'],
      from: '2026-11-23T09:00:00.000Z',
      to: '2026-11-23T12:00:00.000Z',
    });
  });

  test('until an hour after it was over', () => {
    const over = { ...alert, resolved_at: '2026-11-23T10:30:00.000Z' };
    expect(explorerParams(over, metricRule, NOW)).toMatchObject({ to: '2026-11-23T11:30:00.000Z' });
  });

  test('but not for rules of agents, nor for a rule that is gone', () => {
    expect(explorerParams(alert, agentRule, NOW)).toBeNull();
    expect(explorerParams(alert, undefined, NOW)).toBeNull();
  });
});

test('what fires, in a line', () => {
  const none = { firing: 0, pending: 3, critical: 0, warning: 0, info: 0, silenced: 0, acknowledged: 0 };
  expect(firingWords(none)).toEqual({ mark: 'ok', text: 'No alert fires' });
  expect(firingWords({ ...none, firing: 1, info: 1 })).toEqual({ mark: 'info', text: 'One alert fires: 1 info' });
  expect(firingWords({ ...none, firing: 1200, critical: 1, warning: 1199, silenced: 4 })).toEqual({
    mark: 'critical',
    text: '1,200 alerts fire: 1 critical, 1,199 warning, 4 silenced',
  });
});

test('why an alert is over is said in words, also when the reason is not known here', () => {
  expect(reasonText('dismissed')).toBe('Dismissed by hand');
  expect(reasonText('moon_phase')).toBe('moon phase');
  expect(reasonText(null)).toBe('');
});

test('alerts that are as they were stay the same objects, in the order they were read in', () => {
  const one = (id: string, value: number): Alert => ({ ...alert, id, value });
  const before = [one('a', 1), one('b', 2)];
  const now = keepSame(before, [one('c', 3), one('b', 2), one('a', 7)]);
  expect(now.map(({ id, value }) => [id, value])).toEqual([
    ['c', 3],
    ['b', 2],
    ['a', 7],
  ]);
  expect(now[1]).toBe(before[1]);
  expect(now[2]).not.toBe(before[0]);
});
