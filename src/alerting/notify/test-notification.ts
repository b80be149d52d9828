import type { ChannelType } from '../../model/alert.js';
import { groupKeyOf, type NotifiedAlert, type Notification } from './notification.js';

const LABELS = { alertname: 'TestNotification', severity: 'info' };
const ANNOTATIONS = {
  summary: 'This is a test',
  description: 'Somebody wants to know whether notifications of this channel arrive. They do.',
};
/** Where what fires stays until it is said to be over. */
const KEEPS_STATE: readonly ChannelType[] = ['pagerduty', 'alertmanager'];

/** What a channel is told when somebody tests it; where it would open an incident, also that it is over. */
export function testNotifications(type: ChannelType, nowMs: number): Notification[] {
  const firing = testNotification('firing', nowMs);
  return KEEPS_STATE.includes(type) ? [firing, testNotification('resolved', nowMs)] : [firing];
}

function testNotification(status: NotifiedAlert['status'], nowMs: number): Notification {
  const alert: NotifiedAlert = {
    id: 'test',
    status,
    labels: LABELS,
    annotations: ANNOTATIONS,
    startsAtMs: nowMs,
    endsAtMs: status === 'firing' ? null : nowMs,
    value: null,
  };
  const groupKey = groupKeyOf(LABELS, ['alertname']);
  return {
    groupKey,
    groupLabels: { alertname: LABELS.alertname },
    alerts: [alert],
    omittedAlerts: 0,
    stillFiring: status === 'firing' ? 1 : 0,
  };
}
