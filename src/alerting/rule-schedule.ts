import type { AlertRule } from '../model/alert.js';
import { type Question, questionOf } from './observations.js';

/** A rule as it was read, and how its last evaluation went. Null before the first one. */
export interface ScheduledRule {
  readonly rule: AlertRule;
  /** Null: it is about agents. */
  readonly question: Question | null;
  /** Monotonic. */
  dueAtMs: number;
  lastEvaluatedAtMs: number | null;
  durationMs: number | null;
  error: string | null;
  /** Series of the dictionary the rule is about, with recent samples or without; null of agent rules. 0: it can say nothing. */
  matchedSeries: number | null;
  groups: number | null;
  /** Groups that are bad, and kept from beginning by what came late. */
  heldBack: number;
}

/** How a rule's last evaluation went. */
export interface RuleStatus
  extends Readonly<Pick<ScheduledRule, 'lastEvaluatedAtMs' | 'durationMs' | 'error' | 'matchedSeries' | 'groups' | 'heldBack'>> {
  readonly pending: number;
  readonly firing: number;
}

/** After a failure a rule does not wait for longer, however rarely it is due. */
const RETRY_MS = 30_000;

/** The rules there are, and when each of them is due. */
export class RuleSchedule {
  private readonly rules = new Map<string, ScheduledRule>();

  constructor(private readonly monotonic: () => number) {}

  find(id: string): ScheduledRule | null {
    return this.rules.get(id) ?? null;
  }

  all(): Iterable<ScheduledRule> {
    return this.rules.values();
  }

  /** The rules as they are stored now: those that are new or changed are due at once. */
  replace(stored: ReadonlyMap<string, AlertRule>): void {
    for (const id of this.rules.keys()) if (!stored.has(id)) this.rules.delete(id);
    for (const rule of stored.values()) {
      if (this.rules.get(rule.id)?.rule.updatedAtMs === rule.updatedAtMs) continue;
      const question = rule.subject.kind === 'metric' ? questionOf(rule.subject, rule.filter) : null;
      const status = { lastEvaluatedAtMs: null, durationMs: null, error: null, matchedSeries: null, groups: null, heldBack: 0 };
      this.rules.set(rule.id, { rule, question, dueAtMs: Number.NEGATIVE_INFINITY, ...status });
    }
  }

  /** Those that are due, until their next time. Rules with the same interval are due at the same time, so that they share what is read. */
  takeDue(isAgentNews: boolean): ScheduledRule[] {
    const nowMs = this.monotonic();
    const due = [...this.rules.values()].filter(
      ({ rule, dueAtMs }) => rule.enabled && (dueAtMs <= nowMs || (isAgentNews && rule.subject.kind === 'agent')),
    );
    for (const known of due) {
      const { intervalMs } = known.rule;
      if (known.dueAtMs <= nowMs) known.dueAtMs = (Math.floor(nowMs / intervalMs) + 1) * intervalMs;
    }
    return due;
  }

  /** It could not be evaluated. */
  retrySoon(known: ScheduledRule): void {
    known.dueAtMs = Math.min(known.dueAtMs, this.monotonic() + RETRY_MS);
  }

  /** What rules about metrics are about. */
  metricNames(): Set<string> {
    const names = new Set<string>();
    for (const { rule, question } of this.rules.values()) if (rule.enabled && question !== null) names.add(question.metricName);
    return names;
  }
}
