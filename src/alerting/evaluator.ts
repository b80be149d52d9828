import { randomUUID } from 'node:crypto';
import type { AgentDirectory } from '../model/agent.js';
import type { Acknowledgement, Alert, AlertRule, ResolvedReason } from '../model/alert.js';
import { isAppError } from '../model/errors.js';
import { monotonicMs } from '../runtime/clock.js';
import type { Part } from '../runtime/lifecycle.js';
import { Turns } from '../runtime/turns.js';
import type { MetricReader } from '../storage/ports.js';
import type { AlertRuleStore } from '../storage/ports/alerts.js';
import type { AlertCounts } from './active-alerts.js';
import { AlertLedger, type AlertListener, type LedgerDeps, SAVED_AT_ONCE } from './alert-ledger.js';
import { isOfRule, resolved, stepAlert } from './alert-steps.js';
import { Breather } from './breather.js';
import { agentLooks, type LookContext, type Looks, metricLooks } from './looks.js';
import { type Observe, Observer } from './observer.js';
import { Places } from './places.js';
import { RuleSchedule, type RuleStatus, type ScheduledRule } from './rule-schedule.js';

export interface EvaluatorDeps extends LedgerDeps {
  readonly rules: Pick<AlertRuleStore, 'all'>;
  readonly reader: Pick<MetricReader, 'aggregate' | 'series' | 'totals'>;
  readonly agents: AgentDirectory;
  /** Monotonic milliseconds; another one only in tests. */
  readonly monotonic?: () => number;
  /** Ids of new alerts; others only in tests. */
  readonly newId?: () => string;
  /** Pending and firing alerts there may be at once; another number only in tests. */
  readonly maxActive?: number;
}

const TICK_MS = 1_000;
const MAX_ACTIVE = 10_000;
/** Agents come back within a minute of our start: that is the longest pause between their attempts. */
const AGENTS_SETTLE_MS = 60_000;

/**
 * Evaluates rules when they are due: reads what all of them look at, finds what is bad or was, and lets the ledger keep what becomes
 * of it. Everything that touches alerts takes its turn: rounds, changes of rules, deleted agents, acknowledgements. What fails is found
 * again by another evaluation soon after.
 */
export class Evaluator implements Part {
  private readonly rules: RuleSchedule;
  private readonly observer: Observer;
  private readonly ledger: AlertLedger;
  private readonly unsubscribe: (() => void)[] = [];
  private readonly monotonic: () => number;
  private readonly turns = new Turns();
  private round: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private stopped = true;
  private startedAtMs = 0;
  private agentsChanged = false;
  private rulesAreOld = false;
  private isFailing = false;

  constructor(private readonly deps: EvaluatorDeps) {
    this.monotonic = deps.monotonic ?? monotonicMs;
    this.rules = new RuleSchedule(this.monotonic);
    this.observer = new Observer(deps.reader, this.monotonic);
    this.ledger = new AlertLedger(deps);
  }

  /** Loads rules and alerts; tells nobody of what is as it was. @throws of storage */
  async start(): Promise<void> {
    if (!this.stopped) return;
    this.stopped = false;
    this.startedAtMs = this.monotonic();
    await this.turns.take(async () => {
      await this.ledger.load();
      await this.loadRules();
      await this.resolveOrphans();
    });
    const { bus } = this.deps;
    const agentsChanged = (): void => {
      this.agentsChanged = true;
    };
    this.unsubscribe.push(
      bus.on('agentConnected', agentsChanged),
      bus.on('agentDisconnected', agentsChanged),
      bus.on('configStatusReported', agentsChanged),
      bus.on('agentDeleted', () => void this.agentDeleted()),
    );
    this.timer = setInterval(() => void this.evaluate(), TICK_MS);
    this.timer.unref();
  }

  /** Ends the round that is going on, and saves how far every `for` is. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    for (const leave of this.unsubscribe.splice(0)) leave();
    await this.round;
    await this.turn(() => this.ledger.saveProgress(this.deps.clock.nowMs(), true));
  }

  /** The answer unsubscribes. */
  onChanged(listener: AlertListener): () => void {
    return this.ledger.onChanged(listener);
  }

  /** Pending and firing ones, with their newest values. */
  alerts(): Alert[] {
    return this.ledger.active.all();
  }

  counts(): AlertCounts {
    return this.ledger.active.counts();
  }

  /** Null: there is no such rule. */
  status(ruleId: string): RuleStatus | null {
    const known = this.rules.find(ruleId);
    if (known === null) return null;
    const { lastEvaluatedAtMs, durationMs, error, matchedSeries, groups, heldBack } = known;
    const { active } = this.ledger;
    const { pending, firing } = active.counts(active.ofRule(ruleId).values());
    return { lastEvaluatedAtMs, durationMs, error, matchedSeries, groups, heldBack, pending, firing };
  }

  /**
   * To be called when rules were made, changed or deleted: resolves the alerts of the old ones; new ones are evaluated within a second.
   * Never rejects: what storage does not let happen now is tried again by itself.
   */
  async rulesChanged(): Promise<void> {
    this.rulesAreOld = true;
    try {
      await this.turn(() => this.loadRules());
    } catch (error) {
      this.deps.logger.warn('changed alert rules could not be read; the next evaluation does it', { error });
    }
  }

  /** Null takes it back. Answers the alert; null when there is no such alert any more. @throws of storage */
  acknowledge(id: string, acknowledgement: Acknowledgement | null): Promise<Alert | null> {
    return this.turn(() => this.ledger.acknowledge(id, acknowledgement));
  }

  /**
   * Ends an alert whatever its group is like; what is still bad begins anew. Answers it as it was left, null when there is no such alert
   * any more. @throws of storage
   */
  dismiss(id: string): Promise<Alert | null> {
    return this.turn(() => this.ledger.dismiss(id));
  }

  /** Evaluates what is due, unless that is going on; resolves at its end. Failures are logged. Runs by itself every second. */
  evaluate(): Promise<void> {
    this.round ??= this.turn(() => this.evaluateDue())
      .catch((error: unknown) => this.went(error))
      .finally(() => {
        this.round = null;
      });
    return this.round;
  }

  /** Whoever touches alerts takes it. */
  private turn<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.take(async () => {
      await this.ledger.settle();
      return work();
    });
  }

  private async evaluateDue(): Promise<void> {
    if (this.rulesAreOld) await this.loadRules();
    const isAgentNews = this.agentsChanged;
    this.agentsChanged = false;
    const due = this.rules.takeDue(isAgentNews);
    if (due.length === 0) return;
    try {
      await this.evaluateRules(due);
    } catch (error) {
      for (const known of due) this.rules.retrySoon(known);
      throw error;
    }
    this.went(this.observer.blindness);
  }

  /** @throws of storage */
  private async evaluateRules(due: readonly ScheduledRule[]): Promise<void> {
    const nowMs = this.deps.clock.nowMs();
    const questions = due.flatMap(({ question }) => question ?? []);
    const observe = await this.observer.read(questions, this.rules.metricNames(), nowMs);
    const agentsHaveSettled = this.monotonic() - this.startedAtMs >= AGENTS_SETTLE_MS;
    const context = { nowMs, agents: this.deps.agents, agentsHaveSettled };
    const places = this.placesNow();
    const breather = new Breather();
    const changed: Alert[] = [];
    for (const known of due) {
      if (this.stopped) break;
      if (breather.isDue) await breather.breathe();
      const { id, subject } = known.rule;
      const room = places.roomFor(subject.kind, this.ledger.active.ofRule(id).size);
      const ofOthers = changed.length;
      await this.evaluateRule(known, observe, { ...context, room }, changed);
      places.take(subject.kind, this.ledger.growthBy(changed.slice(ofOthers)));
      if (changed.length >= SAVED_AT_ONCE) await this.ledger.commit(changed.splice(0));
    }
    await this.ledger.commit(changed);
    await this.ledger.saveProgress(nowMs);
  }

  private placesNow(): Places {
    const places = new Places(this.deps.maxActive ?? MAX_ACTIVE);
    for (const { rule } of this.rules.all()) places.take(rule.subject.kind, this.ledger.active.ofRule(rule.id).size);
    return places;
  }

  /** Its transitions go to `changed`. A rule that cannot be evaluated does not keep the others from it. */
  private async evaluateRule(known: ScheduledRule, observe: Observe, context: LookContext, changed: Alert[]): Promise<void> {
    const begin = monotonicMs();
    try {
      const looks = await this.look(known, observe, context);
      known.error = this.apply(known.rule, looks, context.nowMs, changed);
      known.groups = looks.groups;
      known.heldBack = looks.heldBack;
      known.lastEvaluatedAtMs = context.nowMs;
    } catch (error) {
      if (!isAppError(error)) this.deps.logger.error('an alert rule could not be evaluated', { ruleId: known.rule.id, error });
      known.error = isAppError(error) ? error.message : 'internal error';
      this.rules.retrySoon(known);
    }
    known.durationMs = monotonicMs() - begin;
  }

  private async look(known: ScheduledRule, observe: Observe, context: LookContext): Promise<Looks> {
    const { rule, question } = known;
    const active = this.ledger.active.ofRule(rule.id);
    if (rule.subject.kind === 'agent') return agentLooks(rule.subject, rule, active, context);
    if (question === null) throw new Error(`rule ${rule.id} asks nothing`);
    const observation = await observe(question);
    known.matchedSeries = observation.selection.series.length;
    return metricLooks(rule.subject, rule, observation, active, context);
  }

  /** Answers what is to be said of it, if anything. */
  private apply(rule: AlertRule, { found, gone, leftOut }: Looks, nowMs: number, changed: Alert[]): string | null {
    const { active } = this.ledger;
    const ofRule = active.ofRule(rule.id);
    for (const look of found) {
      const next = stepAlert(rule, ofRule.get(look.key) ?? null, look, nowMs, this.deps.newId ?? randomUUID);
      if (next === null) continue;
      if (next.transition === null) active.put(next.alert);
      else changed.push(next.alert);
    }
    for (const alert of gone) changed.push(resolved(alert, this.isOrphan(alert) ? 'agent_deleted' : 'series_gone', nowMs));
    if (leftOut === 0) return null;
    return `there are too many alerts: ${leftOut === 1 ? '1 group that is bad was' : `${leftOut} groups that are bad were`} left out`;
  }

  private async loadRules(): Promise<void> {
    // Rules may change while they are read.
    this.rulesAreOld = false;
    try {
      const stored = new Map((await this.deps.rules.all()).map((rule) => [rule.id, rule]));
      const alerts = this.ledger.active.all();
      for (const reason of ['rule_deleted', 'rule_disabled', 'rule_changed'] as const) {
        const over = alerts.filter((alert) => this.whyOver(alert, stored.get(alert.ruleId)) === reason);
        await this.ledger.resolve(over, reason);
      }
      this.rules.replace(stored);
    } catch (error) {
      this.rulesAreOld = true;
      throw error;
    }
  }

  /** Of a rule as it is stored now. One that changed while nobody looked is told by what the alert says of it: clocks may be set meanwhile. */
  private whyOver(alert: Alert, rule: AlertRule | undefined): ResolvedReason | null {
    if (rule === undefined) return 'rule_deleted';
    if (!rule.enabled) return 'rule_disabled';
    const known = this.rules.find(rule.id);
    const isSame = known === null ? isOfRule(alert, rule) : rule.updatedAtMs === known.rule.updatedAtMs;
    return isSame ? null : 'rule_changed';
  }

  private async agentDeleted(): Promise<void> {
    this.observer.forgetBook();
    try {
      await this.turn(() => this.resolveOrphans());
    } catch (error) {
      this.deps.logger.warn('alerts of a deleted agent could not be resolved; the next evaluation does it', { error });
    }
  }

  private resolveOrphans(): Promise<void> {
    return this.ledger.resolve(
      this.ledger.active.all().filter((alert) => this.isOrphan(alert)),
      'agent_deleted',
    );
  }

  private isOrphan({ agentId }: Alert): boolean {
    return agentId !== null && this.deps.agents.find(agentId) === null;
  }

  /** While storage is away every round fails: that is said once, and once when it is over. */
  private went(error: unknown): void {
    if (error !== null && !this.isFailing) {
      this.deps.logger.warn('alert rules cannot be evaluated; that is tried again by itself', { error });
    } else if (error === null && this.isFailing) this.deps.logger.info('alert rules are evaluated again');
    this.isFailing = error !== null;
  }
}
