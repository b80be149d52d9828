import type { NotifiedAlert, Notification } from './notification.js';

const MAX_JSON_LENGTH = 512 * 1_024;
const MAX_ANNOTATION_LENGTH = 4_096;
const RANKS: Readonly<Record<string, number>> = { critical: 0, warning: 1, info: 2 };

/**
 * A notification in sizes its channel takes. People get the worst alerts and a count of the others; programs that are
 * forwarded to get all of them, in as many pieces as it takes.
 */
export function pieces(
  notification: Notification,
  { maxAlerts, forwards }: { readonly maxAlerts: number; readonly forwards: boolean },
): Notification[] {
  const alerts = notification.alerts.map(shortened).toSorted((a, b) => rank(a) - rank(b));
  const found: Notification[] = [];
  for (let rest = alerts; found.length === 0 || rest.length > 0; ) {
    const taken = rest.slice(0, fitting(rest, maxAlerts));
    rest = rest.slice(taken.length);
    found.push({ ...notification, alerts: taken, omittedAlerts: forwards ? 0 : rest.length });
    if (!forwards) break;
  }
  return found;
}

/** How many of these alerts, from the front, are not too many and not too long; at least one. */
function fitting(alerts: readonly NotifiedAlert[], maxAlerts: number): number {
  let length = 0;
  let count = 0;
  for (const alert of alerts.slice(0, maxAlerts)) {
    length += JSON.stringify(alert).length;
    if (count > 0 && length > MAX_JSON_LENGTH) break;
    count += 1;
  }
  return count;
}

/** What fires before what is over, the worst first; equals stay in their order. */
function rank(alert: NotifiedAlert): number {
  return (alert.status === 'firing' ? 0 : 10) + (RANKS[alert.labels.severity ?? ''] ?? 3);
}

function shortened(alert: NotifiedAlert): NotifiedAlert {
  const annotations = Object.entries(alert.annotations).map(([name, text]) => [name, text.slice(0, MAX_ANNOTATION_LENGTH)]);
  return { ...alert, annotations: Object.fromEntries(annotations) as Record<string, string> };
}
