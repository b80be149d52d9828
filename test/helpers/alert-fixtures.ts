/** Rules, alerts, channels and notifications for tests: everything said, and whatever a test wants otherwise. */
import { randomUUID } from 'node:crypto';
import type {
  Alert,
  AlertRuleFields,
  ChannelFields,
  LoggedDelivery,
  NewDelivery,
  NotificationGroup,
  WaitingDelivery,
} from '../../src/model/alert.js';

export const T = 1_795_377_600_000;
/** Ids that clients may send: none of them is a row's. */
export const NO_IDS = ['', '0', '-1', '999', '1.0', '01', ' 1', '1 OR 1=1', '1e0', 'NaN', '9'.repeat(30)];

export const ruleFields = (name: string, more: Partial<AlertRuleFields> = {}): AlertRuleFields => ({
  name,
  subject: {
    kind: 'metric',
    metricName: 'cpu',
    aggregation: 'p95',
    windowMs: 300_000,
    condition: 'gte',
    threshold: 90.5,
    recoveryThreshold: null,
    by: null,
    noData: 'keep',
  },
  filter: {},
  severity: 'warning',
  forMs: 60_000,
  keepFiringForMs: 0,
  intervalMs: 30_000,
  labels: {},
  annotations: {},
  enabled: true,
  ...more,
});

export const alertOf = (more: Partial<Alert> = {}): Alert => ({
  id: randomUUID(),
  ruleId: '1',
  groupKey: '{"agent":"a"}',
  labels: { agent: 'a', alertname: 'CPU', severity: 'warning' },
  annotations: { summary: 'It\'s "hot": 97 %' },
  agentId: 'a',
  state: 'firing',
  value: 97.25,
  startedAtMs: T,
  firingSinceMs: T + 60_000,
  wellSinceMs: null,
  resolvedAtMs: null,
  resolvedReason: null,
  acknowledgement: null,
  updatedAtMs: T + 60_000,
  ...more,
});

export const resolvedAt = (resolvedAtMs: number, more: Partial<Alert> = {}): Alert =>
  alertOf({ state: 'resolved', resolvedAtMs, resolvedReason: 'recovered', ...more });

export const channelFields = (name: string, more: Partial<ChannelFields> = {}): ChannelFields => ({
  name,
  type: 'webhook',
  settings: { url: 'https://hook.example', secret: 's', nested: { list: [1, null] } },
  matchers: [{ label: 'agent', value: 'a.*', isRegex: true, isEqual: false }],
  groupBy: ['alertname', 'agent'],
  groupWaitMs: 30_000,
  groupIntervalMs: 300_000,
  repeatIntervalMs: 14_400_000,
  sendsResolved: true,
  enabled: true,
  ...more,
});

export const groupOf = (channelId: string, more: Partial<NotificationGroup> = {}): NotificationGroup => ({
  channelId,
  groupKey: 'g',
  toldFiring: ['x', 'y'],
  firstSeenAtMs: T,
  lastToldAtMs: T + 1,
  ...more,
});

export const deliveryOf = (channelId: string, more: Partial<NewDelivery> = {}): NewDelivery => ({
  id: randomUUID(),
  channelId,
  groupKey: 'g',
  status: 'waiting',
  payloadJson: '{"alerts":[{"status":"firing"},{"status":"firing"}]}',
  tellsResolved: false,
  attempts: 0,
  nextAttemptAtMs: T,
  createdAtMs: T,
  finishedAtMs: null,
  lastError: null,
  ...more,
});

/** The same as it waits. */
export function waitingOf(delivery: NewDelivery): WaitingDelivery {
  const { payloadJson: _, ...waiting } = delivery;
  return waiting;
}

/** And as it is in the log. */
export function loggedOf(delivery: NewDelivery): LoggedDelivery {
  const { tellsResolved: _, ...logged } = waitingOf(delivery);
  return { ...logged, alerts: JSON.parse(delivery.payloadJson).alerts.length };
}
