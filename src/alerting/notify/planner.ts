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
 * when an alert with the same labels fires in the same notification: receivers know alerts by their labels, and would take
 * it for over. A silenced or acknowledged alert is not told as firing, nor repeated. Channels that forward to another
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
  /** Ids of all alerts of the group that fire. */
  readonly firing: Set<string>;
}

export function plan(input: PlanInput): Plan {
  const groups: NotificationGroup[] = [];
  const notifications: Notification[] = [];
  let nextAtMs = Infinity;
  for (const candidates of gather(input).values()) {
    const dueMs = dueAt(candidates, input);
    if (dueMs > input.nowMs) {
      nextAtMs = Math.min(nextAtMs, dueMs);
      continue;
    }
    const { group, notification } = tell(candidates, input);
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
    const candidates: Candidates = { groupKey: told.groupKey, told, tellable: [], firing: new Set() };
    found.set(told.groupKey, candidates);
    for (const id of told.toldFiring) toldIn.set(id, candidates);
  }
  const refreshes = channel.type === 'alertmanager';
  for (const alert of active) {
    if (alert.state !== 'firing') continue;
    const toldWith = toldIn.get(alert.id);
    toldWith?.firing.add(alert.id);
    if (!matches(alert.labels)) continue;
    const isQuiet = alert.acknowledgement !== null || silenced.has(alert.id);
    if (isQuiet && !(refreshes && toldWith !== undefined)) continue;
    const candidates = toldWith ?? candidatesOf(found, groupKeyOf(alert.labels, channel.groupBy));
    candidates.firing.add(alert.id);
    candidates.tellable.push(alert);
  }
  return found;
}

function candidatesOf(found: Map<string, Candidates>, groupKey: string): Candidates {
  let candidates = found.get(groupKey);
  if (candidates === undefined) {
    candidates = { groupKey, told: null, tellable: [], firing: new Set() };
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

function tell(
  candidates: Candidates,
  { channel, resolved, nowMs, lost }: PlanInput,
): { group: NotificationGroup; notification: Notification | null } {
  const { groupKey, told, tellable, firing } = candidates;
  const before = told?.toldFiring ?? [];
  const kept = before.filter((id) => firing.has(id) || !(resolved.has(id) || lost.has(id)));
  const toldFiring = [...new Set([...kept, ...tellable.map((alert) => alert.id)])];
  const over = channel.sendsResolved ? before.flatMap((id) => (firing.has(id) ? [] : (resolved.get(id) ?? []))) : [];
  const alerts = [
    ...tellable.map((alert) => notified(alert, 'firing')),
    ...withoutThoseOf(tellable, over).map((alert) => notified(alert, 'resolved')),
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

/** Those whose labels are not the labels of any of these. */
function withoutThoseOf(firing: readonly Alert[], over: readonly Alert[]): readonly Alert[] {
  if (over.length === 0 || firing.length === 0) return over;
  const bad = new Set(firing.map(({ labels }) => canonicalTags(labels)));
  return over.filter(({ labels }) => !bad.has(canonicalTags(labels)));
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
