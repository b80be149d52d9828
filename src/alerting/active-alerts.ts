import type { Alert } from '../model/alert.js';
import type { ActiveOfRule } from './looks.js';

const NONE: ActiveOfRule = new Map();

/** How many alerts there are of a kind. */
export interface AlertCounts {
  readonly pending: number;
  readonly firing: number;
  /** Of those that fire, by severity. */
  readonly bySeverity: ReadonlyMap<string, number>;
}

/** Alerts that are not over, by rule and group; what is on disk, with newer values. */
export class ActiveAlerts {
  private readonly byRule = new Map<string, Map<string, Alert>>();
  private readonly byId = new Map<string, Alert>();

  get size(): number {
    return this.byId.size;
  }

  all(): Alert[] {
    return [...this.byId.values()];
  }

  find(id: string): Alert | null {
    return this.byId.get(id) ?? null;
  }

  ofRule(ruleId: string): ActiveOfRule {
    return this.byRule.get(ruleId) ?? NONE;
  }

  /** The alert as it is now; one that is over is forgotten. */
  put(alert: Alert): void {
    let ofRule = this.byRule.get(alert.ruleId);
    if (alert.state === 'resolved') {
      this.byId.delete(alert.id);
      ofRule?.delete(alert.groupKey);
      if (ofRule?.size === 0) this.byRule.delete(alert.ruleId);
      return;
    }
    if (ofRule === undefined) this.byRule.set(alert.ruleId, (ofRule = new Map<string, Alert>()));
    ofRule.set(alert.groupKey, alert);
    this.byId.set(alert.id, alert);
  }

  clear(): void {
    this.byRule.clear();
    this.byId.clear();
  }

  counts(alerts: Iterable<Alert> = this.byId.values()): AlertCounts {
    let pending = 0;
    let firing = 0;
    const bySeverity = new Map<string, number>();
    for (const { state, labels } of alerts) {
      if (state === 'pending') pending += 1;
      else {
        firing += 1;
        const severity = labels.severity ?? '';
        bySeverity.set(severity, (bySeverity.get(severity) ?? 0) + 1);
      }
    }
    return { pending, firing, bySeverity };
  }
}
