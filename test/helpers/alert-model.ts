/**
 * What alerts are, over plain lists: slow, small and obviously right. Durations are counted up. It knows agents, rules by name and what
 * becomes of their groups; the evaluator is compared with it.
 */
import type { AgentSubject, AlertRuleFields, MetricSubject } from '../../src/model/alert.js';
import { SECOND, T0 } from './alert-world.js';
import type { Place } from './naive-reader.js';

/** How old news may be, and what counts as having gone by at the most; for rules of long intervals, so many of those. */
const FRESH = 90 * SECOND;
const FRESH_INTERVALS = 3;
const MAX_STEP = 300 * SECOND;
const MAX_STEP_INTERVALS = 2;
/** A batch whose newest sample is older came late. */
export const LATE = 90 * SECOND;
/** So much of a duration may be lost by a crash. */
const SAVED_EVERY = 60 * SECOND;
const USUAL_STALE = 300 * SECOND;
const USUAL_SKEW = 30 * SECOND;

export interface ModelSample {
  readonly agentId: string;
  readonly name: string;
  readonly tags: Record<string, string>;
  readonly timestampMs: number;
  readonly value: number;
}

interface ModelAgent {
  readonly provider: string;
  readonly region: string;
  /** Null: it is not connected. */
  sinceMs: number | null;
  heardMs: number;
  skewMs: number | null;
  hasFailedConfig: boolean;
  newestLateMs: number | null;
}

interface ModelState {
  firing: boolean;
  badForMs: number;
  /** -1: it is not well. */
  wellForMs: number;
  lastMs: number;
}

const IS: Record<string, (value: number, threshold: number) => boolean> = {
  gt: (v, t) => v > t,
  gte: (v, t) => v >= t,
  lt: (v, t) => v < t,
  lte: (v, t) => v <= t,
  eq: (v, t) => v === t,
  ne: (v, t) => v !== t,
};

export class AlertModel {
  readonly samples = new Map<string, ModelSample>();
  readonly agents = new Map<string, ModelAgent>();
  readonly rules = new Map<string, AlertRuleFields>();
  /** By rule and group. */
  readonly states = new Map<string, ModelState>();
  /** By rule; those that are not here are due at once. */
  private readonly dueAtMs = new Map<string, number>();
  /** What a crash leaves of them. */
  private readonly saved = new Map<string, ModelState>();
  readonly news: string[] = [];

  constructor(places: Readonly<Record<string, Pick<Place, 'provider' | 'region'>>>) {
    for (const [id, { provider, region }] of Object.entries(places)) {
      this.agents.set(id, {
        provider,
        region,
        sinceMs: T0 - 3_600_000,
        heardMs: T0,
        skewMs: null,
        hasFailedConfig: false,
        newestLateMs: null,
      });
    }
  }

  add(sample: ModelSample): void {
    this.samples.set(JSON.stringify([sample.agentId, sample.name, sample.tags, sample.timestampMs]), sample);
  }

  /** A rule that is new, or another from now on. */
  setRule(fields: AlertRuleFields): void {
    this.rules.set(fields.name, fields);
    this.dueAtMs.delete(fields.name);
  }

  resolveAll(rule: string, reason: string): void {
    for (const key of this.states.keys()) {
      if (key.startsWith(`${rule} `)) this.end(key, reason);
    }
  }

  /** Somebody ended it. */
  dismiss(key: string): void {
    this.end(key, 'dismissed');
  }

  crash(): void {
    for (const [key, state] of this.saved) this.states.set(key, { ...state });
  }

  /** Another process goes on: it does not remember what came late, and evaluates everything at once. */
  beginAnew(): void {
    for (const agent of this.agents.values()) agent.newestLateMs = null;
    this.dueAtMs.clear();
  }

  evaluate(nowMs: number, uptimeMs: number): void {
    for (const rule of this.rules.values()) {
      if (!rule.enabled || uptimeMs < (this.dueAtMs.get(rule.name) ?? 0)) continue;
      this.dueAtMs.set(rule.name, uptimeMs - (uptimeMs % rule.intervalMs) + rule.intervalMs);
      if (rule.subject.kind === 'agent') this.evaluateAgents(rule, rule.subject, nowMs);
      else this.evaluateMetric(rule, rule.subject, nowMs);
    }
    for (const [key, state] of this.states) {
      const { lastMs } = this.saved.get(key)!;
      const isCounting = !state.firing || state.wellForMs >= 0;
      if (isCounting && (nowMs - lastMs >= SAVED_EVERY || nowMs < lastMs)) this.saved.set(key, { ...state });
    }
  }

  private isMeant({ filter: { agentIds = [], providers = [], regions = [] } }: AlertRuleFields, id: string): boolean {
    const { provider, region } = this.agents.get(id)!;
    const allows = (list: readonly string[], value: string): boolean => list.length === 0 || list.includes(value);
    return allows(agentIds, id) && allows(providers, provider) && allows(regions, region);
  }

  private evaluateAgents(rule: AlertRuleFields, { condition, thresholdMs }: AgentSubject, nowMs: number): void {
    for (const [id, { sinceMs, heardMs, skewMs, hasFailedConfig }] of this.agents) {
      if (!this.isMeant(rule, id)) continue;
      const isThere = sinceMs !== null;
      const [bad, mayBegin] = {
        disconnected: [!isThere, true] as const,
        stale: [nowMs - heardMs >= (thresholdMs ?? USUAL_STALE), true] as const,
        clock_skew: [isThere && skewMs !== null ? Math.abs(skewMs) > (thresholdMs ?? USUAL_SKEW) : null, isThere] as const,
        config_failed: [hasFailedConfig, isThere] as const,
      }[condition];
      this.step(rule, JSON.stringify({ agent: id }), bad, mayBegin, nowMs);
    }
  }

  private evaluateMetric(rule: AlertRuleFields, subject: MetricSubject, nowMs: number): void {
    const groups = new Map<string, ModelSample[]>();
    for (const sample of this.samples.values()) {
      if (sample.name !== subject.metricName || !this.isMeant(rule, sample.agentId)) continue;
      const { target } = sample.tags;
      const labels = subject.by === null ? { agent: sample.agentId, target } : subject.by.length === 0 ? {} : { target };
      const key = JSON.stringify(labels);
      groups.set(key, [...(groups.get(key) ?? []), sample]);
    }
    for (const [key, all] of groups) {
      const inWindow = all.filter(({ timestampMs }) => timestampMs >= nowMs - subject.windowMs);
      const agents = [...new Set(all.map(({ agentId }) => agentId))].map((id) => this.agents.get(id)!);
      const since = agents.flatMap(({ sinceMs }) => sinceMs ?? []);
      const isFiring = this.states.get(`${rule.name} ${key}`)?.firing === true;
      if (inWindow.length === 0) {
        const wasThere = since.some((ms) => nowMs - ms >= subject.windowMs);
        const bad = subject.noData === 'ok' ? false : subject.noData === 'alert' && wasThere ? true : null;
        this.step(rule, key, bad, true, nowMs);
        continue;
      }
      const value = valueOf(inWindow, subject.aggregation);
      const is = IS[subject.condition]!;
      const recovery = ['eq', 'ne'].includes(subject.condition) ? subject.threshold : (subject.recoveryThreshold ?? subject.threshold);
      const newestMs = Math.max(...inWindow.map(({ timestampMs }) => timestampMs));
      const cameLate = (sinceMs: number): boolean => agents.some((agent) => agent.newestLateMs !== null && agent.newestLateMs >= sinceMs);
      const isFresh = nowMs - newestMs <= Math.max(FRESH, FRESH_INTERVALS * rule.intervalMs) && !cameLate(newestMs);
      const isThere = since.length > 0;
      const isBad = is(value, subject.threshold) || (isFiring && is(value, recovery));
      const isKnown = isFresh || (isBad && (isFiring || isThere));
      const holdsLate = subject.aggregation !== 'last' && cameLate(nowMs - subject.windowMs);
      this.step(rule, key, isKnown ? isBad : null, isThere && isFresh && !holdsLate, nowMs);
    }
  }

  /** `bad` null: nobody knows. */
  private step(rule: AlertRuleFields, group: string, bad: boolean | null, mayBegin: boolean, nowMs: number): void {
    const key = `${rule.name} ${group}`;
    let state = this.states.get(key);
    if (state === undefined) {
      if (bad !== true || !mayBegin) return;
      state = { firing: rule.forMs === 0, badForMs: 0, wellForMs: -1, lastMs: nowMs };
      this.states.set(key, state);
      this.tell(key, state.firing ? 'firing' : 'pending');
      return;
    }
    const maxStepMs = Math.max(MAX_STEP, MAX_STEP_INTERVALS * rule.intervalMs);
    const passedMs = bad === null ? 0 : Math.min(Math.max(nowMs - state.lastMs, 0), maxStepMs);
    state.lastMs = nowMs;
    state.badForMs += passedMs;
    if (state.wellForMs >= 0) state.wellForMs += passedMs;
    if (bad === null) return;
    if (!state.firing) {
      if (!bad) this.end(key, 'recovered');
      else if (mayBegin && state.badForMs >= rule.forMs) {
        state.firing = true;
        this.tell(key, 'firing');
      }
    } else if (bad) {
      const wasWell = state.wellForMs >= 0;
      state.wellForMs = -1;
      if (wasWell) this.tell(key, 'firing');
    } else {
      const began = state.wellForMs < 0;
      if (began) state.wellForMs = 0;
      if (state.wellForMs >= rule.keepFiringForMs) this.end(key, 'recovered');
      else if (began) this.tell(key, 'well');
    }
  }

  /** What is told was saved. */
  private tell(key: string, what: string): void {
    this.saved.set(key, { ...this.states.get(key)! });
    this.news.push(`${key} ${what}`);
  }

  private end(key: string, reason: string): void {
    this.states.delete(key);
    this.saved.delete(key);
    this.news.push(`${key} ${reason}`);
  }
}

function valueOf(samples: readonly ModelSample[], aggregation: string): number {
  const values = samples.map(({ value }) => value);
  const sum = values.reduce((total, value) => total + value, 0);
  switch (aggregation) {
    case 'min':
      return Math.min(...values);
    case 'max':
      return Math.max(...values);
    case 'sum':
      return sum;
    case 'count':
      return values.length;
    case 'last':
      return samples.reduce((newest, sample) => (isLater(sample, newest) ? sample : newest)).value;
    default:
      return sum / values.length;
  }
}

/** Within one millisecond the last series counts. */
function isLater(a: ModelSample, b: ModelSample): boolean {
  if (a.timestampMs !== b.timestampMs) return a.timestampMs > b.timestampMs;
  return a.agentId === b.agentId ? JSON.stringify(a.tags) > JSON.stringify(b.tags) : a.agentId > b.agentId;
}
