import type { Acknowledgement, Alert, ResolvedReason } from '../model/alert.js';
import type { Events } from '../model/event.js';
import type { Clock } from '../runtime/clock.js';
import type { EventBus } from '../runtime/event-bus.js';
import type { Logger } from '../runtime/logger.js';
import type { AlertStore } from '../storage/ports/alerts.js';
import { ActiveAlerts } from './active-alerts.js';
import { headline, resolved } from './alert-steps.js';

/** Hears of alerts that changed, after that is on disk: those that became pending, fire, recover, are bad again, are acknowledged, or are over. */
export type AlertListener = (alerts: readonly Alert[]) => void;

export interface LedgerDeps {
  readonly alerts: Pick<AlertStore, 'active' | 'save' | 'acknowledge'>;
  readonly bus: EventBus<Events>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Alerts in one transaction. */
export const SAVED_AT_ONCE = 500;
/** So much of a `for` may be lost by a crash; nothing by a stop. */
const PROGRESS_SAVED_MS = 60_000;

/**
 * The alerts that are not over, in memory and on disk. A change is saved before anybody is told of it; one that cannot be saved has
 * not happened. After a change that failed nobody knows what is on disk: `settle` asks, and tells of what has happened all the same.
 * Calls must follow one another.
 */
export class AlertLedger {
  readonly active = new ActiveAlerts();
  private readonly savedAtMs = new Map<string, number>();
  private readonly listeners = new Set<AlertListener>();
  /** Null: it is known what is on disk. Otherwise alerts as they were to be saved, by id. */
  private inDoubt: Map<string, Alert> | null = null;

  constructor(private readonly deps: LedgerDeps) {}

  /** The answer unsubscribes. */
  onChanged(listener: AlertListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells nobody of what is as it was. @throws of storage */
  async load(): Promise<void> {
    const alerts = await this.deps.alerts.active();
    this.active.clear();
    this.savedAtMs.clear();
    for (const alert of alerts) {
      this.active.put(alert);
      this.savedAtMs.set(alert.id, alert.updatedAtMs);
    }
  }

  /** How many alerts more there will be when these are committed, each of them once. */
  growthBy(changed: readonly Alert[]): number {
    let growth = 0;
    for (const { id, state } of changed) growth += Number(state !== 'resolved') - Number(this.active.find(id) !== null);
    return growth;
  }

  /** Saves transitions, then tells them. @throws of storage: some of them may be told by then, the others have not happened */
  async commit(changed: readonly Alert[]): Promise<void> {
    for (let from = 0; from < changed.length; from += SAVED_AT_ONCE) {
      const part = changed.slice(from, from + SAVED_AT_ONCE);
      await this.save(part);
      for (const alert of part) {
        const before = this.active.find(alert.id);
        this.active.put(alert);
        this.announce(before, alert);
      }
      this.tell(part);
    }
  }

  /** @throws of storage */
  resolve(alerts: readonly Alert[], reason: ResolvedReason): Promise<void> {
    const nowMs = this.deps.clock.nowMs();
    return this.commit(alerts.map((alert) => resolved(alert, reason, nowMs)));
  }

  /** Saves how far each `for` and each `keep firing` is: of those that have not been saved for a while, or of all. @throws of storage */
  async saveProgress(nowMs: number, all = false): Promise<void> {
    const late = this.active.all().filter((alert) => {
      const savedAtMs = this.savedAtMs.get(alert.id) ?? 0;
      return isInFlight(alert) && (all || nowMs - savedAtMs >= PROGRESS_SAVED_MS || nowMs < savedAtMs);
    });
    for (let from = 0; from < late.length; from += SAVED_AT_ONCE) await this.save(late.slice(from, from + SAVED_AT_ONCE));
  }

  /** Answers it as it was left; null: there is no such alert any more. @throws of storage */
  async dismiss(id: string): Promise<Alert | null> {
    const alert = this.active.find(id);
    if (alert === null) return null;
    const over = resolved(alert, 'dismissed', this.deps.clock.nowMs());
    await this.commit([over]);
    return over;
  }

  /** Null: there is no such alert any more. @throws of storage */
  async acknowledge(id: string, acknowledgement: Acknowledgement | null): Promise<Alert | null> {
    try {
      if (!(await this.deps.alerts.acknowledge(id, acknowledgement))) return null;
    } catch (error) {
      this.inDoubt ??= new Map();
      throw error;
    }
    const alert = this.active.find(id);
    if (alert === null) return null;
    const acknowledged = { ...alert, acknowledgement };
    this.active.put(acknowledged);
    this.tell([acknowledged]);
    return acknowledged;
  }

  /** To be called before anything else is made of the alerts. @throws of storage */
  async settle(): Promise<void> {
    const { inDoubt } = this;
    if (inDoubt === null) return;
    const known = new Map(this.active.all().map((alert) => [alert.id, alert]));
    await this.load();
    this.inDoubt = null;
    const untold: Alert[] = [];
    for (const stored of this.active.all()) {
      const before = known.get(stored.id) ?? null;
      known.delete(stored.id);
      // Without a transition what is in memory is newer.
      const alert = before !== null && isSameStage(before, stored) ? { ...before, acknowledgement: stored.acknowledgement } : stored;
      this.active.put(alert);
      if (alert === stored || !isSame(before?.acknowledgement, alert.acknowledgement)) untold.push(alert);
      this.announce(before, alert);
    }
    const nowMs = this.deps.clock.nowMs();
    for (const before of known.values()) {
      const meant = inDoubt.get(before.id);
      const over = meant?.state === 'resolved' ? meant : resolved(before, 'recovered', nowMs);
      untold.push(over);
      this.announce(before, over);
    }
    if (untold.length > 0) this.tell(untold);
  }

  private async save(alerts: readonly Alert[]): Promise<void> {
    try {
      await this.deps.alerts.save(alerts);
    } catch (error) {
      this.inDoubt ??= new Map();
      for (const alert of alerts) this.inDoubt.set(alert.id, alert);
      throw error;
    }
    for (const { id, state, updatedAtMs } of alerts) {
      if (state === 'resolved') this.savedAtMs.delete(id);
      else this.savedAtMs.set(id, updatedAtMs);
    }
  }

  private tell(alerts: readonly Alert[]): void {
    for (const listener of this.listeners) {
      try {
        listener(alerts);
      } catch (error) {
        this.deps.logger.error('a listener of alerts failed', { error });
      }
    }
  }

  /** What consoles show at once. */
  private announce(before: Alert | null, alert: Alert): void {
    const wasFiring = before?.state === 'firing';
    if (alert.state === 'firing' && !wasFiring) {
      this.deps.bus.emit('systemAlert', { message: headline(alert), severity: shownSeverity(alert.labels.severity) });
    } else if (alert.state === 'resolved' && wasFiring) {
      this.deps.bus.emit('systemAlert', { message: `Resolved: ${headline(alert)}`, severity: 'info' });
    }
  }
}

function shownSeverity(severity: string | undefined): 'error' | 'warning' | 'info' {
  if (severity === 'critical') return 'error';
  return severity === 'warning' ? 'warning' : 'info';
}

function isSameStage(a: Alert, b: Alert): boolean {
  return a.state === b.state && (a.wellSinceMs === null) === (b.wellSinceMs === null);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Whether a time is running that a restart must not lose. */
function isInFlight({ state, wellSinceMs }: Alert): boolean {
  return state === 'pending' || wellSinceMs !== null;
}
