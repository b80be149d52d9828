import type { Alert, NotificationGroup } from '../../model/alert.js';
import type { Clock } from '../../runtime/clock.js';
import type { AlertStore } from '../../storage/ports/alerts.js';

const PAGE = 500;
const MAX_PAGES = 40;
const ASK_AGAIN_MS = 5_000;
/** Clocks may have been off when it was told. */
const SLACK_MS = 3_600_000;
const LOST_AFTER_MS = 600_000;

/**
 * Alerts that were told as firing and are over: who is told so needs to hear when and which. Mostly they were just
 * announced; after a restart they are in the history. What is in neither for ten minutes is lost: its history was deleted.
 */
export class ResolvedAlerts {
  readonly alerts = new Map<string, Alert>();
  readonly lost = new Set<string>();
  private readonly missingSinceMs = new Map<string, number>();
  private askedAtMs = -Infinity;

  constructor(
    private readonly history: AlertStore['history'],
    private readonly clock: Clock,
  ) {}

  /** Of alerts that changed, those that fired and are over. */
  learn(changed: readonly Alert[]): void {
    for (const alert of changed) {
      if (alert.state === 'resolved' && alert.firingSinceMs !== null) this.alerts.set(alert.id, alert);
    }
  }

  /** Finds those that were told and are not active any more, and forgets those nobody was told of. @throws AppError of storage */
  async find(groups: readonly NotificationGroup[], activeIds: ReadonlySet<string>): Promise<void> {
    const over = new Map<string, number>();
    for (const { toldFiring, lastToldAtMs, firstSeenAtMs } of groups) {
      for (const id of toldFiring) if (!activeIds.has(id)) over.set(id, lastToldAtMs ?? firstSeenAtMs);
    }
    for (const id of this.alerts.keys()) if (!over.has(id)) this.alerts.delete(id);
    for (const id of this.lost) if (!over.has(id)) this.lost.delete(id);
    for (const id of this.missingSinceMs.keys()) if (!over.has(id)) this.missingSinceMs.delete(id);
    const missing = new Map([...over].filter(([id]) => !this.alerts.has(id) && !this.lost.has(id)));
    if (missing.size > 0) await this.ask(missing);
  }

  private async ask(missing: Map<string, number>): Promise<void> {
    const nowMs = this.clock.nowMs();
    const isNew = [...missing.keys()].some((id) => !this.missingSinceMs.has(id));
    if (!isNew && Math.abs(nowMs - this.askedAtMs) < ASK_AGAIN_MS) return;
    this.askedAtMs = nowMs;
    const sinceMs = Math.max(0, [...missing.values()].reduce((least, ms) => Math.min(least, ms), Infinity) - SLACK_MS);
    for (let page = 0; page < MAX_PAGES && missing.size > 0; page++) {
      const { alerts } = await this.history({ sinceMs, limit: PAGE, offset: page * PAGE });
      for (const alert of alerts) if (missing.delete(alert.id)) this.alerts.set(alert.id, alert);
      if (alerts.length < PAGE) break;
    }
    for (const id of missing.keys()) {
      const sinceMissingMs = this.missingSinceMs.get(id);
      if (sinceMissingMs === undefined) this.missingSinceMs.set(id, nowMs);
      else if (Math.abs(nowMs - sinceMissingMs) >= LOST_AFTER_MS) this.lost.add(id);
    }
  }
}
