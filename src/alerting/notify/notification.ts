import type { Alert } from '../../model/alert.js';
import type { Tags } from '../../model/metric.js';

/** What a channel is told of one group of alerts, before the channel gives it its form. Kept as JSON until it is delivered. */
export interface Notification {
  readonly groupKey: string;
  readonly groupLabels: Tags;
  readonly alerts: readonly NotifiedAlert[];
  /** Alerts that would have been in it, had it not become too long. */
  readonly omittedAlerts: number;
  /** Alerts of the group that were told as firing and still are, those in this notification included. */
  readonly stillFiring: number;
}

export interface NotifiedAlert {
  readonly id: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Tags;
  readonly annotations: Tags;
  readonly startsAtMs: number;
  /** Null while it fires. */
  readonly endsAtMs: number | null;
  readonly value: number | null;
}

/** Firing when any of its alerts is. */
export function statusOf(notification: Notification): 'firing' | 'resolved' {
  return notification.alerts.some((alert) => alert.status === 'firing') ? 'firing' : 'resolved';
}

export function notified(alert: Alert, status: 'firing' | 'resolved'): NotifiedAlert {
  return {
    id: alert.id,
    status,
    labels: alert.labels,
    annotations: alert.annotations,
    startsAtMs: alert.firingSinceMs ?? alert.startedAtMs,
    endsAtMs: status === 'resolved' ? (alert.resolvedAtMs ?? alert.updatedAtMs) : null,
    value: alert.value,
  };
}

/** Labels that all alerts agree in. */
export function commonOf(tags: readonly Tags[]): Tags {
  const [first = {}, ...others] = tags;
  return Object.fromEntries(Object.entries(first).filter(([key, value]) => others.every((other) => other[key] === value)));
}

/** Canonical JSON of the labels a group of alerts agrees in; those an alert does not have are left out. */
export function groupKeyOf(labels: Tags, groupBy: readonly string[]): string {
  const present = groupBy.filter((name) => Object.hasOwn(labels, name)).toSorted();
  return JSON.stringify(Object.fromEntries(present.map((name) => [name, labels[name]])));
}

/** The labels of a group's key. */
export function groupLabelsOf(groupKey: string): Tags {
  return JSON.parse(groupKey) as Tags;
}
