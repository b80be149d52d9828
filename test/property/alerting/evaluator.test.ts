/**
 * The evaluator against a model of what alerts are, over plain lists: whatever samples come, late or not at all, agents come and go,
 * rules change, clocks are set and the server restarts. The model counts durations up, where the real one tells them by times.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AlertRuleFields, MetricSubject } from '../../../src/model/alert.js';
import { AlertWorld, MINUTE, metricRule, SECOND, T0 } from '../../helpers/alert-world.js';

const INTERVAL = 10 * SECOND;
const AGENTS = ['a', 'b'];
const TAGS: readonly Record<string, string>[] = [{ target: 't' }, { target: 't', target_ip: '192.0.2.1' }, { target: 'u' }];
const NAMES = ['load', 'loss'];
/** What counts as having gone by at the most, and how old news may be, for rules of this interval. */
const MAX_STEP = 300 * SECOND;
const FRESH = 90 * SECOND;

interface ModelSample {
  readonly agentId: string;
  readonly name: string;
  readonly tags: Record<string, string>;
  readonly timestampMs: number;
  readonly value: number;
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

class Model {
  readonly samples = new Map<string, ModelSample>();
  readonly connectedSince = new Map<string, number | null>(AGENTS.map((id) => [id, T0 - 3_600_000]));
  readonly rules = new Map<string, AlertRuleFields>();
  /** By rule and group. */
  readonly states = new Map<string, ModelState>();
  readonly news: string[] = [];

  add(sample: ModelSample): void {
    this.samples.set(JSON.stringify([sample.agentId, sample.name, sample.tags, sample.timestampMs]), sample);
  }

  resolveAll(rule: string, reason: string): void {
    for (const key of this.states.keys()) {
      if (!key.startsWith(`${rule} `)) continue;
      this.states.delete(key);
      this.news.push(`${key} ${reason}`);
    }
  }

  evaluate(nowMs: number): void {
    for (const rule of this.rules.values()) {
      if (!rule.enabled) continue;
      if (rule.subject.kind === 'agent') {
        for (const id of AGENTS) this.step(rule, JSON.stringify({ agent: id }), this.connectedSince.get(id) === null, true, nowMs);
      } else this.evaluateMetric(rule, rule.subject, nowMs);
    }
  }

  private evaluateMetric(rule: AlertRuleFields, subject: MetricSubject, nowMs: number): void {
    const groups = new Map<string, ModelSample[]>();
    for (const sample of this.samples.values()) {
      if (sample.name !== subject.metricName || !(rule.filter.agentIds ?? AGENTS).includes(sample.agentId)) continue;
      const { target } = sample.tags;
      const labels = subject.by === null ? { agent: sample.agentId, target } : subject.by.length === 0 ? {} : { target };
      const key = JSON.stringify(labels);
      groups.set(key, [...(groups.get(key) ?? []), sample]);
    }
    for (const [key, all] of groups) {
      const inWindow = all.filter(({ timestampMs }) => timestampMs >= nowMs - subject.windowMs);
      const since = [...new Set(all.map(({ agentId }) => agentId))].flatMap((id) => this.connectedSince.get(id) ?? []);
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
      const bad = is(value, subject.threshold) || (isFiring && is(value, recovery));
      const newestMs = Math.max(...inWindow.map(({ timestampMs }) => timestampMs));
      this.step(rule, key, bad, since.length > 0 && nowMs - newestMs <= FRESH, nowMs);
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
      this.news.push(`${key} ${state.firing ? 'firing' : 'pending'}`);
      return;
    }
    const passedMs = Math.min(Math.max(nowMs - state.lastMs, 0), MAX_STEP);
    state.lastMs = nowMs;
    state.badForMs += passedMs;
    if (state.wellForMs >= 0) state.wellForMs += passedMs;
    if (bad === null) return;
    if (!state.firing) {
      if (!bad) {
        this.states.delete(key);
        this.news.push(`${key} recovered`);
      } else if (mayBegin && state.badForMs >= rule.forMs) {
        state.firing = true;
        this.news.push(`${key} firing`);
      }
    } else if (bad) {
      if (state.wellForMs >= 0) this.news.push(`${key} firing`);
      state.wellForMs = -1;
    } else {
      const began = state.wellForMs < 0;
      if (began) state.wellForMs = 0;
      if (state.wellForMs >= rule.keepFiringForMs) {
        this.states.delete(key);
        this.news.push(`${key} recovered`);
      } else if (began) this.news.push(`${key} well`);
    }
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
    default:
      return sum / values.length;
  }
}

// ---------------------------------------------------------------- what may happen

const durations = fc.constantFrom(0, 0, INTERVAL, 30 * SECOND, 2 * MINUTE, 7 * MINUTE);
const subject = fc.record({
  metricName: fc.constantFrom(...NAMES),
  aggregation: fc.constantFrom('avg', 'min', 'max', 'sum', 'count'),
  windowMs: fc.constantFrom(20 * SECOND, MINUTE, 5 * MINUTE),
  condition: fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq', 'ne'),
  threshold: fc.integer({ min: 1, max: 4 }),
  recoveryThreshold: fc.option(fc.integer({ min: 0, max: 5 })),
  by: fc.constantFrom(null, null, ['target'], []),
  noData: fc.constantFrom('keep', 'ok', 'alert'),
} as const);
const ruleFields = (name: string) =>
  fc
    .record({
      subject,
      filter: fc.constantFrom({}, {}, { agentIds: ['a'] }),
      forMs: durations,
      keepFiringForMs: durations,
      enabled: fc.constantFrom(true, true, true, false),
    })
    .map(({ subject: of, ...fields }) => metricRule(of as Partial<MetricSubject>, { name, intervalMs: INTERVAL, ...fields }));
const agentRule = durations.map(
  (forMs): AlertRuleFields => ({
    ...metricRule({}, { name: 'down', intervalMs: INTERVAL, forMs }),
    subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null },
  }),
);

const samplesOfNow = fc.array(
  fc.record({
    agentId: fc.constantFrom(...AGENTS),
    name: fc.constantFrom(...NAMES),
    tags: fc.constantFrom(...TAGS),
    ageMs: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: INTERVAL }) }, fc.integer({ min: -MINUTE, max: 6 * MINUTE })),
    value: fc.integer({ min: 0, max: 5 }),
  }),
  { maxLength: 8 },
);
const event = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant('samples' as const), samples: samplesOfNow }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('agent' as const), id: fc.constantFrom(...AGENTS), up: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), steps: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clock' as const), byMs: fc.integer({ min: -20 * MINUTE, max: 20 * MINUTE }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('rule' as const), fields: fc.oneof(ruleFields('one'), ruleFields('two')) }) },
);
const step = fc.record({ event, steps: fc.constantFrom(1, 1, 1, 2, 5, 40) });

class Run {
  readonly world = new AlertWorld();
  readonly model = new Model();
  private readonly ids = new Map<string, string>();

  async start(rules: readonly AlertRuleFields[]): Promise<void> {
    for (const id of AGENTS) {
      this.world.addAgent(id);
      // Long ago there was a sample of everything, so that nothing is unheard of.
      for (const name of NAMES) for (const tags of TAGS) this.add({ agentId: id, name, tags, timestampMs: T0 - 50 * MINUTE, value: 0 });
    }
    await this.world.start();
    for (const rule of rules) await this.setRule(rule);
  }

  async happens(next: EventOf<typeof step>): Promise<void> {
    const { world, model } = this;
    switch (next.type) {
      case 'samples':
        for (const { ageMs, ...sample } of next.samples) this.add({ ...sample, timestampMs: world.nowMs - ageMs });
        break;
      case 'agent':
        if (next.up === (model.connectedSince.get(next.id) !== null)) break;
        model.connectedSince.set(next.id, next.up ? world.nowMs : null);
        world.setAgent(next.id, next.up ? { status: 'connected', connectedAtMs: world.nowMs } : { status: 'disconnected' });
        break;
      case 'restart':
        await world.restart(next.steps * INTERVAL);
        break;
      case 'clock':
        world.nowMs += next.byMs;
        break;
      case 'rule':
        await this.setRule(next.fields);
        break;
    }
  }

  async pass(steps: number): Promise<void> {
    await this.world.pass(steps * INTERVAL);
    this.model.evaluate(this.world.nowMs);
  }

  compare(): void {
    const { world, model } = this;
    const alerts = world.evaluator.alerts();
    const actual = alerts.map(
      ({ labels, groupKey, state, wellSinceMs }) => `${String(labels.alertname)} ${groupKey} ${state} ${wellSinceMs !== null}`,
    );
    const expected = [...model.states].map(([key, { firing, wellForMs }]) => `${key} ${firing ? 'firing' : 'pending'} ${wellForMs >= 0}`);
    expect(inOrder(actual)).toEqual(inOrder(expected));
    const heard = world.told.splice(0).map(({ labels, groupKey, state, wellSinceMs, resolvedReason }) => {
      const what = state === 'resolved' ? String(resolvedReason) : wellSinceMs === null ? state : 'well';
      return `${String(labels.alertname)} ${groupKey} ${what}`;
    });
    expect(inOrder(heard)).toEqual(inOrder(model.news.splice(0)));
    const onDisk = [...world.stores.alerts.rows.values()].filter(({ state }) => state !== 'resolved');
    expect(inOrder(onDisk.map(({ id, state }) => `${id} ${state}`))).toEqual(inOrder(alerts.map(({ id, state }) => `${id} ${state}`)));
  }

  private async setRule(fields: AlertRuleFields): Promise<void> {
    const { world, model } = this;
    const id = this.ids.get(fields.name);
    // Two changes within a millisecond are one.
    world.nowMs += 1;
    if (id === undefined) this.ids.set(fields.name, (await world.addRule(fields)).id);
    else {
      await world.stores.rules.update(id, fields, world.nowMs);
      await world.evaluator.rulesChanged();
      model.resolveAll(fields.name, fields.enabled ? 'rule_changed' : 'rule_disabled');
    }
    model.rules.set(fields.name, fields);
  }

  private add(sample: ModelSample): void {
    this.world.sample(sample.value, sample);
    this.model.add(sample);
  }
}

function inOrder(texts: readonly string[]): string[] {
  return [...texts].sort();
}

type EventOf<T> = T extends fc.Arbitrary<{ readonly event: infer E }> ? E : never;

describe('the evaluator', () => {
  test('does what the model says', async () => {
    await fc.assert(
      fc.asyncProperty(
        ruleFields('one'),
        ruleFields('two'),
        agentRule,
        fc.array(step, { minLength: 1, maxLength: 60 }),
        async (one, two, down, story) => {
          const run = new Run();
          try {
            await run.start([one, two, down]);
            for (const { event: next, steps } of story) {
              await run.happens(next);
              await run.pass(steps);
              run.compare();
            }
          } finally {
            await run.world.stop();
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
