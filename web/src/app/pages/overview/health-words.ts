/** What the health score means and where it comes from, in words. Pure. */
import { formatCount } from '../../core/units';

/** The answer of `GET /dashboard/health`. */
export interface Health {
  readonly timestamp: string;
  readonly healthScore: number;
  readonly status: 'excellent' | 'good' | 'warning' | 'critical';
  readonly agents: {
    readonly total_agents: number;
    readonly healthy_agents: number;
    readonly warning_agents: number;
    readonly stale_agents: number;
  };
  readonly metrics: {
    readonly total_metrics_5m: number;
    readonly active_agents_5m: number;
    readonly success_rate: number;
  };
  readonly issues: { readonly recentErrors: readonly RecentErrors[] };
}

/** Metrics of an agent that were rejected within the last hour. */
export interface RecentErrors {
  readonly agent_id: string;
  readonly error_count: number;
  readonly last_error: string;
}

const INGEST_WINDOW_S = 300;

/** Samples a second, as the mean of the last five minutes. */
export function ingestRate({ metrics }: Health): number {
  return metrics.total_metrics_5m / INGEST_WINDOW_S;
}

export type HealthStatus = Health['status'];

const WORST_FIRST: readonly HealthStatus[] = ['critical', 'warning', 'good', 'excellent'];

/**
 * The score counts who was heard of within five minutes: for as long, it does not know that agents have just gone. Where more
 * are away than it believes, that counts, and it is said.
 */
export function healthNow(health: Health, away: number, total: number): { status: HealthStatus; words: string; why: string } {
  const status = total === 0 ? health.status : statusOf((100 * (total - away)) / total);
  const isWorse = WORST_FIRST.indexOf(status) < WORST_FIRST.indexOf(health.status);
  if (!isWorse) return { status: health.status, words: capitalized(health.status), why: healthWhy(health) };
  return {
    status,
    words: `${capitalized(status)} right now`,
    why: `${formatCount(away)} of ${formatCount(total)} agents ${away === 1 ? 'is' : 'are'} disconnected; the score follows within 5 minutes.`,
  };
}

/** Cut where the server cuts the score. */
function statusOf(share: number): HealthStatus {
  if (share >= 90) return 'excellent';
  if (share >= 75) return 'good';
  return share >= 50 ? 'warning' : 'critical';
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Why the score is what it is: who was not heard of, and what was not accepted. */
export function healthWhy({ agents, metrics }: Health): string {
  const { total_agents: total, healthy_agents: heard, warning_agents: recent, stale_agents: stale } = agents;
  const reasons: string[] = [];
  if (heard < total) {
    const parts = [
      ...(recent > 0 ? [`${formatCount(recent)} silent for over 5 minutes`] : []),
      ...(stale > 0 ? [`${formatCount(stale)} silent for over an hour`] : []),
    ];
    reasons.push(`${formatCount(heard)} of ${formatCount(total)} agents heard of within 5 minutes (${parts.join(', ')})`);
  } else if (total > 0) {
    reasons.push(
      total === 1 ? 'the only agent was heard of within 5 minutes' : `all ${formatCount(total)} agents heard of within 5 minutes`,
    );
  }
  if (metrics.success_rate < 1) reasons.push(`${rejectedPercent(metrics.success_rate)} of metrics rejected`);
  else if (metrics.total_metrics_5m > 0) reasons.push('every metric accepted');
  else reasons.push('no metrics came in');
  return `${capitalized(reasons.join(', '))}.`;
}

/** A small share is still not none. */
function rejectedPercent(successRate: number): string {
  const percent = (1 - successRate) * 100;
  return percent < 0.01 ? 'less than 0.01 %' : `${Number(percent.toPrecision(2))} %`;
}
