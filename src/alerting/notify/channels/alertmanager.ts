import Joi from 'joi';
import { isoTime } from '../../../model/iso-time.js';
import type { Tags } from '../../../model/metric.js';
import type { Notification } from '../notification.js';
import { alertsLink } from '../notification-text.js';
import {
  authorization,
  CREDENTIALS,
  type Credentials,
  httpKind,
  httpUrl,
  jsonMessage,
  type RenderContext,
  withPath,
} from './channel-kind.js';

/**
 * Alerts are forwarded to an Alertmanager (v2 API), which groups, silences and tells by itself. What fires has an end
 * some repeats ahead, as Prometheus does it: should this server fall silent, alerts are over there too. So it is refreshed
 * by repeating often.
 */
interface AlertmanagerSettings extends Credentials {
  readonly url: string;
}

const ALERTS_PER_REQUEST = 200;
const REPEATS_UNTIL_END = 3;
const LEAST_END_MS = 180_000;

export const alertmanager = httpKind<AlertmanagerSettings>({
  schema: Joi.object({ url: httpUrl().required(), ...CREDENTIALS })
    .rename('bearerToken', 'bearer_token')
    .nand('bearer_token', 'username')
    .with('password', 'username'),
  secrets: ['url', 'bearer_token', 'password'],
  addresses: ['url'],
  maxAlerts: ALERTS_PER_REQUEST,
  forwards: true,
  waits: { groupBy: ['alertname'], groupWaitMs: 0, groupIntervalMs: 15_000, repeatIntervalMs: 60_000 },
  render: (notification, settings, context) => [
    jsonMessage(withPath(settings.url, '/api/v2/alerts'), alertmanagerBody(notification, context), authorization(settings)),
  ],
});

export function alertmanagerBody({ alerts }: Notification, { nowMs, repeatIntervalMs, externalUrl }: RenderContext): object[] {
  const endMs = nowMs + Math.max(LEAST_END_MS, REPEATS_UNTIL_END * repeatIntervalMs);
  const link = alertsLink(externalUrl);
  return alerts.map((alert) => ({
    labels: withLegalNames(alert.labels),
    annotations: withLegalNames(alert.annotations),
    startsAt: isoTime(alert.startsAtMs),
    endsAt: isoTime(Math.max(alert.startsAtMs, alert.endsAtMs ?? endMs)),
    ...(link === null ? {} : { generatorURL: link }),
  }));
}

/**
 * Names of ASCII letters, digits and underscores are all that every version takes. Names that become the same by that are
 * numbered, those that were right before keep theirs. Empty values are no labels.
 */
function withLegalNames(tags: Tags): Tags {
  const named = Object.entries(tags)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => ({ name, value, legal: name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d|$)/, '_') }))
    .toSorted((a, b) => Number(a.legal !== a.name) - Number(b.legal !== b.name) || (a.name < b.name ? -1 : 1));
  const taken = new Map<string, string>();
  for (const { legal, value } of named) {
    let free = legal;
    for (let i = 2; taken.has(free); i++) free = `${legal}_${i}`;
    taken.set(free, value);
  }
  return Object.fromEntries(taken);
}
