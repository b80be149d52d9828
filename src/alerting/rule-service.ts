import type { AlertRule, AlertRuleFields } from '../model/alert.js';
import { AppError } from '../model/errors.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { Tags, TimeRange } from '../model/metric.js';
import type { Clock } from '../runtime/clock.js';
import { Turns } from '../runtime/turns.js';
import type { AlertRuleStore } from '../storage/ports/alerts.js';
import { backtest, type BacktestResult } from './backtest.js';
import type { PastReader } from './past-samples.js';
import { NOTHING_MATCHES, NOT_EVALUATED, presentRule } from './rule-answer.js';
import { parseRule } from './rule-body.js';
import type { RuleStatus } from './rule-schedule.js';

export interface RuleServiceDeps {
  readonly store: AlertRuleStore;
  readonly evaluator: { rulesChanged(): Promise<void>; status(ruleId: string): RuleStatus | null };
  readonly reader: PastReader;
  readonly clock: Clock;
}

export type RuleAnswer = ReturnType<typeof presentRule>;

/** Said of a rule for which no data is bad: it is in earnest only while the agent is connected. */
const NO_CONNECTIONS = 'whether agents were connected is not known of the past: no data counts as bad here also while they were away';
/** All of them are looked at each few seconds. */
const MAX_RULES = 1_000;

/**
 * Alert rules, as people ask for them. A change has taken hold when it is answered: alerts of the old rule are over, unless they could
 * not be saved just then; then they are soon after.
 */
export class RuleService {
  private readonly turns = new Turns();

  constructor(private readonly deps: RuleServiceDeps) {}

  /** By name. */
  async list(): Promise<{ rules: RuleAnswer[] }> {
    const rules = await this.deps.store.all();
    return { rules: rules.sort((a, b) => a.name.localeCompare(b.name, 'en')).map((rule) => this.present(rule)) };
  }

  /** @throws AppError `not_found` */
  async get(id: string): Promise<RuleAnswer> {
    return this.present(await this.find(id));
  }

  /** @throws AppError `validation_failed`; `conflict` when there is a rule of that name, or a thousand rules */
  create(body: unknown): Promise<RuleAnswer> {
    return this.turns.take(async () => {
      const { store, clock } = this.deps;
      const fields = parseRule(body, null);
      if ((await store.all()).length >= MAX_RULES) {
        throw new AppError('conflict', `there are ${MAX_RULES} rules already, more are not allowed`);
      }
      const rule = await store.create(fields, clock.nowMs());
      if (rule === null) throw taken(fields.name);
      await this.deps.evaluator.rulesChanged();
      return this.present(rule);
    });
  }

  /** Changes what is given only. @throws AppError `validation_failed`, `not_found`; `conflict` when another rule has that name */
  update(id: string, body: unknown): Promise<RuleAnswer> {
    return this.turns.take(async () => {
      const { store, clock } = this.deps;
      const current = await this.find(id);
      const fields = parseRule(body, current);
      // Alerts of a rule that changes are over and begin anew: a save that changes nothing must not tell everybody again.
      if (isSame({ ...current, ...fields }, current)) return this.present(current);
      const rule = await store.update(id, fields, clock.nowMs());
      if (rule === 'not_found') throw unknown(id);
      if (rule === 'name_taken') throw taken(fields.name);
      await this.deps.evaluator.rulesChanged();
      return this.present(rule);
    });
  }

  /** @throws AppError `not_found` */
  remove(id: string): Promise<{ message: string; id: string }> {
    return this.turns.take(async () => {
      if (!(await this.deps.store.remove(id))) throw unknown(id);
      await this.deps.evaluator.rulesChanged();
      return { message: 'rule deleted', id };
    });
  }

  /** When a rule would have fired, had it been there; it is not kept. A rule without a name will do. @throws AppError `validation_failed`; of storage */
  async test(body: unknown, range: TimeRange) {
    const named = typeof body === 'object' && body !== null && !('name' in body) ? { ...body, name: 'test' } : body;
    const rule = parseRule(named, null);
    return presentTest(rule, await backtest(this.deps.reader, rule, range));
  }

  private async find(id: string): Promise<AlertRule> {
    const rule = (await this.deps.store.all()).find((candidate) => candidate.id === id);
    if (rule === undefined) throw unknown(id);
    return rule;
  }

  private present(rule: AlertRule): RuleAnswer {
    return presentRule(rule, this.deps.evaluator.status(rule.id) ?? NOT_EVALUATED);
  }
}

function isSame(a: AlertRule, b: AlertRule): boolean {
  return JSON.stringify(presentRule(a, NOT_EVALUATED)) === JSON.stringify(presentRule(b, NOT_EVALUATED));
}

/** In the wire's shape: groups in the order in which they would have fired first. */
function presentTest(rule: AlertRuleFields, { range, stepMs, windowMs, matchedSeries, groups, alerts, isTruncated }: BacktestResult) {
  const byLabels = new Map<string, { labels: Tags; firings: { from: string; to: string | null; peak: number | null }[] }>();
  for (const { labels, firingSinceMs, resolvedAtMs, peakValue } of alerts) {
    const key = JSON.stringify(labels);
    const group = byLabels.get(key) ?? { labels, firings: [] };
    byLabels.set(key, group);
    group.firings.push({ from: isoTime(firingSinceMs), to: isoTimeOrNull(resolvedAtMs), peak: peakValue });
  }
  return {
    period: { start: isoTime(range.startMs), end: isoTime(range.endMs) },
    interval: stepMs / 1_000,
    window: windowMs / 1_000,
    matched: matchedSeries,
    group_count: groups,
    groups: [...byLabels.values()],
    truncated: isTruncated,
    warning: matchedSeries === 0 ? NOTHING_MATCHES : isAboutSilence(rule) ? NO_CONNECTIONS : null,
  };
}

function isAboutSilence({ subject }: AlertRuleFields): boolean {
  return subject.kind === 'metric' && subject.noData === 'alert';
}

function unknown(id: string): AppError {
  return new AppError('not_found', `there is no alert rule "${id.slice(0, 100)}"`);
}

function taken(name: string): AppError {
  return new AppError('conflict', `there is a rule "${name}" already`);
}
