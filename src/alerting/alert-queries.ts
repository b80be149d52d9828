import type { Acknowledgement, Alert, Severity } from '../model/alert.js';
import { AppError } from '../model/errors.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { Clock } from '../runtime/clock.js';
import type { AlertHistoryQuery, AlertStore } from '../storage/ports/alerts.js';
import type { AlertCounts } from './active-alerts.js';
import { Breather } from './breather.js';
import type { SilenceSet } from './silences.js';

export interface AlertQueriesDeps {
  readonly evaluator: {
    alerts(): Alert[];
    counts(): AlertCounts;
    acknowledge(id: string, acknowledgement: Acknowledgement | null): Promise<Alert | null>;
    dismiss(id: string): Promise<Alert | null>;
  };
  readonly history: Pick<AlertStore, 'history'>;
  readonly silences: { readonly set: SilenceSet };
  readonly clock: Clock;
  /** False: rules are not evaluated, so that there are no alerts. */
  readonly isEnabled: boolean;
}

export interface ActiveQuery {
  readonly state: 'pending' | 'firing' | 'all';
  readonly severity: Severity | null;
  readonly ruleId: string | null;
  readonly agentId: string | null;
  /** Null: whether or not. */
  readonly silenced: boolean | null;
  readonly limit: number;
  readonly offset: number;
}

const SEVERITY_ORDER: readonly string[] = ['critical', 'warning', 'info'];

/** Alerts as people ask for them. */
export class AlertQueries {
  constructor(private readonly deps: AlertQueriesDeps) {}

  /** Those that are not over: firing before pending, the most severe first, then the newest. `counts` are of all of them, whatever was asked for. */
  async active(query: ActiveQuery) {
    const all = this.deps.evaluator.alerts();
    const silences = await this.silencesOf(all);
    const silencedBy = (alert: Alert): readonly string[] => silences.get(alert) ?? [];
    const found = all
      .filter((alert) => query.state === 'all' || alert.state === query.state)
      .filter((alert) => query.severity === null || alert.labels['severity'] === query.severity)
      .filter((alert) => query.ruleId === null || alert.ruleId === query.ruleId)
      .filter((alert) => query.agentId === null || alert.agentId === query.agentId)
      .filter((alert) => query.silenced === null || silencedBy(alert).length > 0 === query.silenced)
      .sort(mostUrgentFirst);
    const { limit, offset } = query;
    return {
      alerts: found.slice(offset, offset + limit).map((alert) => presentAlert(alert, silencedBy(alert))),
      counts: {
        ...this.counts(),
        silenced: all.filter((alert) => silencedBy(alert).length > 0).length,
        acknowledged: all.filter(({ acknowledgement }) => acknowledgement !== null).length,
      },
      pagination: { total: found.length, limit, offset, hasMore: found.length > offset + limit },
    };
  }

  /** Those that fired and are over, the last one first. */
  async history(query: AlertHistoryQuery) {
    const { alerts, total } = await this.deps.history.history(query);
    const { limit, offset } = query;
    return {
      alerts: alerts.map((alert) => presentAlert(alert, [])),
      pagination: { total, limit, offset, hasMore: total > offset + alerts.length },
    };
  }

  /** How many there are now: firing and pending ones, and the firing ones by severity. */
  counts() {
    const { firing, pending, bySeverity } = this.deps.evaluator.counts();
    const of = (severity: Severity): number => bySeverity.get(severity) ?? 0;
    return { firing, pending, critical: of('critical'), warning: of('warning'), info: of('info') };
  }

  /**
   * Somebody has seen it: it is not told again, only that it is over. Null takes that back.
   * @throws AppError `not_found` when it is over, or never was; `conflict` when alerts are switched off; of storage
   */
  acknowledge(id: string, acknowledgement: Acknowledgement | null) {
    return this.change(id, () => this.deps.evaluator.acknowledge(id, acknowledgement));
  }

  /** Ends one that nothing says is well, as of what is measured no more; while fresh samples are bad it begins anew. @throws as `acknowledge` */
  dismiss(id: string) {
    return this.change(id, () => this.deps.evaluator.dismiss(id));
  }

  private async change(id: string, change: () => Promise<Alert | null>) {
    if (!this.deps.isEnabled) throw new AppError('conflict', 'alerts are switched off (ENABLE_ALERTS): there are none to be changed');
    const alert = await change();
    if (alert === null) throw new AppError('not_found', `there is no active alert "${id.slice(0, 100)}"`);
    return presentAlert(alert, (await this.silencesOf([alert])).get(alert) ?? []);
  }

  /** Ids of the silences that keep each of them quiet. With breaths in between: there may be many of both, and patterns take their time. */
  private async silencesOf(alerts: readonly Alert[]): Promise<Map<Alert, string[]>> {
    const { silences, clock } = this.deps;
    const nowMs = clock.nowMs();
    const breather = new Breather();
    const found = new Map<Alert, string[]>();
    for (const alert of alerts) {
      if (breather.isDue) await breather.breathe();
      found.set(alert, silences.set.silencing(alert.labels, nowMs));
    }
    return found;
  }
}

/** An alert in the wire's shape. */
function presentAlert(alert: Alert, silencedBy: readonly string[]) {
  const { acknowledgement } = alert;
  return {
    id: alert.id,
    rule_id: alert.ruleId,
    rule_name: alert.labels['alertname'] ?? '',
    state: alert.state,
    severity: alert.labels['severity'] ?? '',
    labels: alert.labels,
    annotations: alert.annotations,
    agent_id: alert.agentId,
    value: alert.value,
    started_at: isoTime(alert.startedAtMs),
    firing_since: isoTimeOrNull(alert.firingSinceMs),
    well_since: isoTimeOrNull(alert.wellSinceMs),
    resolved_at: isoTimeOrNull(alert.resolvedAtMs),
    resolved_reason: alert.resolvedReason,
    acknowledgement:
      acknowledgement === null ? null : { by: acknowledgement.by, comment: acknowledgement.comment, at: isoTime(acknowledgement.atMs) },
    silenced_by: silencedBy,
    updated_at: isoTime(alert.updatedAtMs),
  };
}

function mostUrgentFirst(a: Alert, b: Alert): number {
  const rank = ({ state, labels }: Alert): number => (state === 'firing' ? 0 : 10) + SEVERITY_ORDER.indexOf(labels['severity'] ?? '');
  return rank(a) - rank(b) || (b.firingSinceMs ?? b.startedAtMs) - (a.firingSinceMs ?? a.startedAtMs) || (a.id < b.id ? -1 : 1);
}
