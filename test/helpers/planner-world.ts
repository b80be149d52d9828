import { plan } from '../../src/alerting/notify/planner.js';
import type { Alert, Channel, NotificationGroup } from '../../src/model/alert.js';
import { alertOf, keepGroups, resolvedOf } from './alerts.js';

/** Alerts, one channel and the clock; what it is told, as `+id` for firing and `-id` for resolved. */
export class PlannerWorld {
  nowMs = 0;
  readonly active = new Map<string, Alert>();
  readonly resolved = new Map<string, Alert>();
  readonly silenced = new Set<string>();
  readonly lost = new Set<string>();
  groups: NotificationGroup[] = [];
  nextAtMs = Infinity;

  constructor(public channel: Channel) {}

  fire(id: string, fields: Partial<Alert> = {}): void {
    this.active.set(id, alertOf(id, { firingSinceMs: this.nowMs, startedAtMs: this.nowMs, ...fields }));
  }

  acknowledge(id: string): void {
    this.fire(id, { ...this.active.get(id), acknowledgement: { by: 'me', comment: '', atMs: this.nowMs } });
  }

  resolve(id: string): void {
    const alert = this.active.get(id);
    if (alert !== undefined) this.resolved.set(id, resolvedOf(alert, this.nowMs));
    this.active.delete(id);
  }

  plan(): string[] {
    const { channel, groups, resolved, lost, nowMs } = this;
    const made = plan({
      channel,
      groups,
      resolved,
      lost,
      nowMs,
      active: [...this.active.values()],
      matches: (labels) => labels.ignored === undefined,
      silenced: this.silenced,
    });
    this.groups = keepGroups(groups, made.groups);
    this.nextAtMs = made.nextAtMs;
    return made.notifications.map(({ alerts }) => alerts.map(({ id, status }) => `${status === 'firing' ? '+' : '-'}${id}`).join(' '));
  }

  /** Plans at `ms` and answers what was told. */
  at(ms: number): string[] {
    this.nowMs = ms;
    return this.plan();
  }
}
