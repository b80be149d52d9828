/** The rules of a fresh install: what nearly everybody wants to hear of. */
import type { AlertRuleFields, MetricSubject } from '../model/alert.js';
import { PACKET_LOSS_METRIC } from '../query/packet-loss.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const INTERVAL_MS = 30 * SECOND_MS;

/** An average of five minutes by agent and tags, unless it says otherwise. */
function metric(
  fields: Pick<MetricSubject, 'metricName' | 'condition' | 'threshold'> & Partial<Omit<MetricSubject, 'kind'>>,
): MetricSubject {
  return { kind: 'metric', aggregation: 'avg', windowMs: 5 * MINUTE_MS, recoveryThreshold: null, by: null, noData: 'keep', ...fields };
}

function rule(fields: Pick<AlertRuleFields, 'name' | 'subject' | 'severity' | 'forMs' | 'annotations'>): AlertRuleFields {
  return { ...fields, filter: {}, keepFiringForMs: 0, intervalMs: INTERVAL_MS, labels: {}, enabled: true };
}

export function defaultRules(): AlertRuleFields[] {
  return [
    rule({
      name: 'Agent down',
      subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null },
      severity: 'critical',
      forMs: 2 * MINUTE_MS,
      annotations: { summary: '{{ labels.agent }} is not connected', description: 'Last heard of {{ value }} s ago.' },
    }),
    // A ping that failed altogether says nothing about loss: the rule below is about those.
    rule({
      name: 'Packet loss',
      subject: metric({ metricName: PACKET_LOSS_METRIC, condition: 'gte', threshold: 10 }),
      severity: 'warning',
      forMs: 5 * MINUTE_MS,
      annotations: { summary: '{{ labels.agent }} loses {{ value }} % of its packets to {{ labels.target }}' },
    }),
    rule({
      name: 'Target unreachable',
      subject: metric({ metricName: 'ping_success', aggregation: 'max', windowMs: 2 * MINUTE_MS, condition: 'lt', threshold: 1 }),
      severity: 'critical',
      forMs: 3 * MINUTE_MS,
      annotations: { summary: '{{ labels.agent }} has not reached {{ labels.target }} for 5 minutes' },
    }),
    rule({
      name: 'High latency',
      subject: metric({ metricName: 'ping_rtt_avg_ms', condition: 'gt', threshold: 250 }),
      severity: 'warning',
      forMs: 10 * MINUTE_MS,
      annotations: { summary: '{{ labels.target }} answers {{ labels.agent }} in {{ value }} ms on average' },
    }),
    // By agent: its root is reported under two names.
    rule({
      name: 'Disk almost full',
      subject: metric({
        metricName: 'system_disk_percent',
        aggregation: 'max',
        condition: 'gte',
        threshold: 90,
        recoveryThreshold: 85,
        by: ['agent'],
      }),
      severity: 'critical',
      forMs: 5 * MINUTE_MS,
      annotations: { summary: 'A disk of {{ labels.agent }} is {{ value }} % full' },
    }),
    rule({
      name: 'Clock skew',
      subject: { kind: 'agent', condition: 'clock_skew', thresholdMs: 30 * SECOND_MS },
      severity: 'warning',
      forMs: 10 * MINUTE_MS,
      annotations: { summary: 'The clock of {{ labels.agent }} is off by {{ value }} s' },
    }),
  ];
}
