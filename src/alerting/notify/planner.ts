import type { Alert, Channel, NotificationGroup } from '../../model/alert.js';
import { canonicalTags } from '../../model/metric.js';
import type { LabelTest } from '../matchers.js';
import { groupKeyOf, groupLabelsOf, type NotifiedAlert, type Notification, notified } from './notification.js';

/**
 * Who is to be told what, now: pure, so that a restart changes nothing. What was told before is all in the groups, which
 * are stored together with the notifications.
 *
 * The rules are Alertmanager's. A new group waits `groupWaitMs` from its first alert on. A group that was told is told
 * again when something changed (an alert joined it, one that was told is over), `groupIntervalMs` after the last time at
 * the earliest; and after `repeatIntervalMs` when nothing did. Every notification names all alerts that fire. What is over
 * is told once, if it was told as firing and the channel wants it, also while it is silenced: people wait for it. But not
 * when the channel is told, or was, that an alert with the same labels fires: receivers know alerts by their labels, and would
 * take it for over. (Of PagerDuty only within the group, which is what it knows an incident by.) A silenced or acknowledged alert is not told as firing, nor repeated. Channels that forward to another
 * Alertmanager go on refreshing what they have told, because it would be over there otherwise.
 *
 * An alert belongs to the group it was told with, also when the channel was changed to group otherwise since.
 */

export interface PlanInput {
  readonly channel: Pick<Channel, 'id' | 'type' | 'groupBy' | 'groupWaitMs' | 'groupIntervalMs' | 'repeatIntervalMs' | 'sendsResolved'>;
  /** Whether the channel is told alerts with these labels. */
  readonly matches: LabelTest;
  /** Ids of the alerts that are silenced now. */
  readonly silenced: ReadonlySet<string>;
  /** What it was told so far. */
  readonly groups: readonly NotificationGroup[];
  /** Alerts that are not over; pending ones are passed by. */
  readonly active: readonly Alert[];
  /** Alerts that are over, by id: of those that were told as firing. */
  readonly resolved: ReadonlyMap<string, Alert>;
  /** Told as firing, and known to nobody any more: forgotten without a word. */
  readonly lost: ReadonlySet<string>;
  readonly nowMs: number;
}

export interface Plan {
  /** New states of the groups that changed. */
  readonly groups: readonly NotificationGroup[];
  readonly notifications: readonly Notification[];
  /** When it is worth planning again, should nothing happen until then; Infinity: never. */
  readonly nextAtMs: number;
}

interface Candidates {
  readonly groupKey: string;
  readonly told: NotificationGroup | null;
  /** Firing, and to be told: not silenced, not acknowledged. */
  readonly tellable: Alert[];
  /** All alerts of the group that fire, by id. */
  readonly firing: Map<string, Alert>;
}

export function plan(input: PlanInput): Plan {
  const groups: NotificationGroup[] = [];
  const notifications: Notification[] = [];
  let nextAtMs = Infinity;
  const due: Candidates[] = [];
  const later: Candidates[] = [];
  for (const candidates of gather(input).values()) {
    const dueMs = dueAt(candidates, input);
    if (dueMs > input.nowMs) nextAtMs = Math.min(nextAtMs, dueMs);
    (dueMs > input.nowMs ? later : due).push(candidates);
  }
  const known = input.channel.type === 'pagerduty' ? null : new KnownAsFiring([...due.flatMap(firingOf), ...later.flatMap(toldFiringOf)]);
  for (const candidates of due) {
    const { group, notification } = tell(candidates, known ?? new KnownAsFiring(firingOf(candidates)), input);
    groups.push(group);
    if (notification !== null) notifications.push(notification);
    if (group.toldFiring.length > 0) nextAtMs = Math.min(nextAtMs, input.nowMs + changeIntervalMs(input.channel));
  }
  return { groups, notifications, nextAtMs };
}

function gather({ channel, matches, silenced, groups, active }: PlanInput): Map<string, Candidates> {
  const found = new Map<string, Candidates>();
  const toldIn = new Map<string, Candidates>();
  for (const told of groups) {
    const candidates: Candidates = { groupKey: told.groupKey, told, tellable: [], firing: new Map() };
    found.set(told.groupKey, candidates);
    for (const id of told.toldFiring) toldIn.set(id, candidates);
  }
  const refreshes = channel.type === 'alertmanager';
  for (const alert of active) {
    if (alert.state !== 'firing') continue;
    const toldWith = toldIn.get(alert.id);
    toldWith?.firing.set(alert.id, alert);
    if (!matches(alert.labels)) continue;
    const isQuiet = alert.acknowledgement !== null || silenced.has(alert.id);
    if (isQuiet && !(refreshes && toldWith !== undefined)) continue;
    const candidates = toldWith ?? candidatesOf(found, groupKeyOf(alert.labels, channel.groupBy));
    candidates.firing.set(alert.id, alert);
    candidates.tellable.push(alert);
  }
  return found;
}

function candidatesOf(found: Map<string, Candidates>, groupKey: string): Candidates {
  let candidates = found.get(groupKey);
  if (candidates === undefined) {
    candidates = { groupKey, told: null, tellable: [], firing: new Map() };
    found.set(groupKey, candidates);
  }
  return candidates;
}

/** When the group is to be told; Infinity while there is nothing to tell. Distances are absolute: a clock that was put back far must not keep everybody waiting. */
function dueAt({ told, tellable, firing }: Candidates, { channel, resolved, lost, nowMs }: PlanInput): number {
  const lastToldAtMs = told?.lastToldAtMs ?? null;
  if (told === null || lastToldAtMs === null) {
    if (tellable.length === 0) return Infinity;
    const sinceMs = tellable.reduce((least, alert) => Math.min(least, alert.firingSinceMs ?? alert.startedAtMs), Infinity);
    return sinceMs > nowMs ? nowMs : sinceMs + channel.groupWaitMs;
  }
  const wasTold = new Set(told.toldFiring);
  const isOver = (id: string): boolean => !firing.has(id) && (resolved.has(id) || lost.has(id));
  const changed = tellable.some((alert) => !wasTold.has(alert.id)) || told.toldFiring.some(isOver);
  if (!changed && tellable.length === 0) return Infinity;
  const waitMs = changed ? changeIntervalMs(channel) : channel.repeatIntervalMs;
  return Math.abs(nowMs - lastToldAtMs) >= waitMs ? nowMs : lastToldAtMs + waitMs;
}

/** News do not wait for longer than what is known already would. */
function changeIntervalMs({ groupIntervalMs, repeatIntervalMs }: PlanInput['channel']): number {
  return Math.min(groupIntervalMs, repeatIntervalMs);
}

function firingOf({ firing }: Candidates): Alert[] {
  return [...firing.values()];
}

function toldFiringOf({ told, firing }: Candidates): Alert[] {
  return (told?.toldFiring ?? []).flatMap((id) => firing.get(id) ?? []);
}

/** Alerts of which a channel is told, or was, that they fire. Labels are written out only when somebody asks. */
class KnownAsFiring {
  private labels: ReadonlySet<string> | null = null;

  constructor(private readonly alerts: readonly Alert[]) {}

  hasLabelsOf(alert: Alert): boolean {
    this.labels ??= new Set(this.alerts.map(({ labels }) => canonicalTags(labels)));
    return this.labels.has(canonicalTags(alert.labels));
  }
}

function tell(
  candidates: Candidates,
  known: KnownAsFiring,
  { channel, resolved, nowMs, lost }: PlanInput,
): { group: NotificationGroup; notification: Notification | null } {
  const { groupKey, told, tellable, firing } = candidates;
  const before = told?.toldFiring ?? [];
  const kept = before.filter((id) => firing.has(id) || !(resolved.has(id) || lost.has(id)));
  const toldFiring = [...new Set([...kept, ...tellable.map((alert) => alert.id)])];
  const over = channel.sendsResolved ? before.flatMap((id) => (firing.has(id) ? [] : (resolved.get(id) ?? []))) : [];
  const alerts = [
    ...tellable.map((alert) => notified(alert, 'firing')),
    ...over.filter((alert) => !known.hasLabelsOf(alert)).map((alert) => notified(alert, 'resolved')),
  ];
  const saysSomething = saysAnythingNew(candidates, alerts, channel.repeatIntervalMs, nowMs);
  const firstMs = tellable.reduce((least, alert) => Math.min(least, alert.firingSinceMs ?? alert.startedAtMs), nowMs);
  return {
    group: {
      channelId: channel.id,
      groupKey,
      toldFiring,
      firstSeenAtMs: told?.firstSeenAtMs ?? firstMs,
      lastToldAtMs: saysSomething ? nowMs : (told?.lastToldAtMs ?? null),
    },
    notification: saysSomething
      ? { groupKey, groupLabels: groupLabelsOf(groupKey), alerts, omittedAlerts: 0, stillFiring: toldFiring.length }
      : null,
  };
}

/** False when all that happened is that alerts are over, and the channel does not want to hear of it. */
function saysAnythingNew(
  { told, tellable }: Candidates,
  alerts: readonly NotifiedAlert[],
  repeatIntervalMs: number,
  nowMs: number,
): boolean {
  if (told?.lastToldAtMs == null) return true;
  if (alerts.some((alert) => alert.status === 'resolved')) return true;
  const wasTold = new Set(told.toldFiring);
  if (tellable.some((alert) => !wasTold.has(alert.id))) return true;
  return tellable.length > 0 && Math.abs(nowMs - told.lastToldAtMs) >= repeatIntervalMs;
}
