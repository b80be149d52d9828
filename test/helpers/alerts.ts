import type { Alert, Channel, NotificationGroup } from '../../src/model/alert.js';

/** A firing alert, unless the fields say something else. */
export function alertOf(id: string, fields: Partial<Alert> = {}): Alert {
  const sinceMs = fields.firingSinceMs ?? fields.startedAtMs ?? 0;
  return {
    id,
    ruleId: 'rule-1',
    groupKey: `{"agent":"${id}"}`,
    labels: { alertname: 'HighLatency', severity: 'warning', agent: id },
    annotations: { summary: `Latency of ${id} is high` },
    agentId: id,
    state: 'firing',
    value: 250,
    startedAtMs: sinceMs,
    firingSinceMs: sinceMs,
    wellSinceMs: null,
    resolvedAtMs: null,
    resolvedReason: null,
    acknowledgement: null,
    updatedAtMs: sinceMs,
    ...fields,
  };
}

export function resolvedOf(alert: Alert, atMs: number): Alert {
  return { ...alert, state: 'resolved', resolvedAtMs: atMs, resolvedReason: 'recovered', updatedAtMs: atMs };
}

/** A webhook channel that is told everything, with Alertmanager's usual waits. */
export function channelOf(fields: Partial<Channel> = {}): Channel {
  return {
    id: 'channel-1',
    name: 'people',
    type: 'webhook',
    settings: { url: 'http://127.0.0.1:9/' },
    matchers: [],
    groupBy: ['alertname'],
    groupWaitMs: 30_000,
    groupIntervalMs: 300_000,
    repeatIntervalMs: 14_400_000,
    sendsResolved: true,
    enabled: true,
    isFromSettings: false,
    createdAtMs: 0,
    updatedAtMs: 0,
    ...fields,
  };
}

/** Groups after a plan, as a store keeps them: by key, and only while something in them was told as firing. */
export function keepGroups(groups: readonly NotificationGroup[], changed: readonly NotificationGroup[]): NotificationGroup[] {
  const byKey = new Map([...groups, ...changed].map((group) => [group.groupKey, group]));
  return [...byKey.values()].filter((group) => group.toldFiring.length > 0);
}
