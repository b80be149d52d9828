import type { Tags } from '../../model/metric.js';
import { commonOf, type NotifiedAlert, type Notification, statusOf } from './notification.js';

/** The words people read, without any markup: each channel escapes them in its own way. */

const MAX_LABELS_SHOWN = 8;
const SAID_ELSEWHERE = new Set(['alertname', 'severity']);

/** One line that says it all: `[FIRING:2] HighLatency (region=eu)`. */
export function titleOf(notification: Notification): string {
  const { alerts, omittedAlerts } = notification;
  const firing = alerts.filter((alert) => alert.status === 'firing').length;
  const resolved = alerts.length - firing;
  const counts = [firing > 0 ? `FIRING:${firing}${omittedAlerts > 0 ? '+' : ''}` : '', resolved > 0 ? `RESOLVED:${resolved}` : ''];
  const common = commonOf(alerts.map((alert) => alert.labels));
  const name = oneLine(common.alertname ?? notification.groupLabels.alertname ?? 'several alerts');
  const labels = labelText(common);
  return cut(`[${counts.filter((text) => text !== '').join(', ')}] ${name}${labels === '' ? '' : ` (${labels})`}`, 250);
}

export interface AlertText {
  readonly status: 'firing' | 'resolved';
  readonly severity: string;
  /** Its summary, else its name and labels. */
  readonly headline: string;
  /** Null: there is nothing more to say. */
  readonly description: string | null;
  readonly labels: string;
  readonly startsAt: string;
  readonly endsAt: string | null;
}

/** What is said of one alert. Texts are cut: an annotation may be as long as somebody liked. */
export function textOf(alert: NotifiedAlert, maxLength = 500): AlertText {
  const { labels, annotations, status, startsAtMs, endsAtMs } = alert;
  const name = labels.alertname ?? 'alert';
  const shownLabels = labelText(labels);
  return {
    status,
    severity: labels.severity ?? 'warning',
    headline: oneLine(cut(annotations.summary ?? (shownLabels === '' ? name : `${name}: ${shownLabels}`), maxLength)),
    description: annotations.description === undefined ? null : cut(withoutControls(annotations.description), maxLength),
    labels: cut(shownLabels, maxLength),
    startsAt: timeText(startsAtMs),
    endsAt: endsAtMs === null ? null : timeText(endsAtMs),
  };
}

/** `since …`, or `from … to …`. */
export function spanOf({ startsAt, endsAt }: AlertText): string {
  return endsAt === null ? `since ${startsAt}` : `from ${startsAt} to ${endsAt}`;
}

const MAX_SHOWN = 15;

/**
 * As many alerts as are taken, the first ones, and behind them how many there are beside them: whoever is told learns of all.
 * @param render what is shown of one alert
 * @param renderCount what is shown of the text that counts the others
 * @param fits whether the receiver takes a message with these parts
 */
export function listed<T>(
  { alerts, omittedAlerts }: Notification,
  render: (alert: NotifiedAlert) => T,
  renderCount: (text: string) => T,
  fits: (parts: readonly T[]) => boolean,
): T[] {
  const counted = (shown: readonly T[]): T[] => {
    const text = omittedText(omittedAlerts + alerts.length - shown.length);
    return text === null ? [...shown] : [...shown, renderCount(text)];
  };
  let shown: T[] = [];
  for (const alert of alerts.slice(0, MAX_SHOWN)) {
    const more = [...shown, render(alert)];
    if (!fits(counted(more))) break;
    shown = more;
  }
  return counted(shown);
}

/** Null: none were left out. */
export function omittedText(count: number): string | null {
  return count <= 0 ? null : `… and ${count} more ${count === 1 ? 'alert' : 'alerts'}`;
}

/** Red for what is critical, amber for other things that fire, green for what is over: as a number 0xRRGGBB. */
export function colourOf(notification: Notification): number {
  if (statusOf(notification) === 'resolved') return 0x2e9e5b;
  return severityOf(notification) === 'critical' ? 0xd0342c : severityOf(notification) === 'warning' ? 0xe8a317 : 0x3b82c4;
}

/** The worst of those that fire. */
export function severityOf(notification: Notification): 'critical' | 'warning' | 'info' {
  const severities = new Set(notification.alerts.filter((alert) => alert.status === 'firing').map((alert) => alert.labels.severity));
  if (severities.has('critical')) return 'critical';
  return severities.has('warning') || severities.size === 0 ? 'warning' : 'info';
}

/** Where in the console alerts are; null: nobody said where the console is. */
export function alertsLink(externalUrl: string | null): string | null {
  return externalUrl === null ? null : `${externalUrl}/alerts`;
}

export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '');
}

function labelText(labels: Tags): string {
  const entries = Object.entries(labels).filter(([name, value]) => !SAID_ELSEWHERE.has(name) && value !== '');
  const shown = entries.slice(0, MAX_LABELS_SHOWN).map(([name, value]) => `${cut(oneLine(name), 60)}=${cut(oneLine(value), 100)}`);
  return `${shown.join(', ')}${entries.length > shown.length ? ', …' : ''}`;
}

function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
