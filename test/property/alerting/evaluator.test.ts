/**
 * The evaluator against a model of what alerts are, over plain lists: whatever samples come, late or not at all, agents come and go and
 * say how they are, rules change, clocks are set and the server restarts or crashes. The model counts durations up, where the real one
 * tells them by times.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AlertRuleFields, MetricSubject } from '../../../src/model/alert.js';
import { AlertModel, LATE, type ModelSample } from '../../helpers/alert-model.js';
import { AlertWorld, INTERVAL, MINUTE, metricRule, SECOND, T0 } from '../../helpers/alert-world.js';

const PLACES = { a: { provider: 'gcp', region: 'eu' }, b: { provider: 'aws', region: 'us' } } as const;
const AGENTS = ['a', 'b'] as const;
const TAGS: readonly Record<string, string>[] = [{ target: 't' }, { target: 't', target_ip: '192.0.2.1' }, { target: 'u' }];
const NAMES = ['load', 'loss'];
const durations = fc.constantFrom(0, 0, INTERVAL, 30 * SECOND, 2 * MINUTE, 7 * MINUTE);
const subject = fc.record({
  metricName: fc.constantFrom(...NAMES),
  aggregation: fc.constantFrom('avg', 'min', 'max', 'sum', 'count', 'last'),
  windowMs: fc.constantFrom(20 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE),
  condition: fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq', 'ne'),
  threshold: fc.integer({ min: 1, max: 4 }),
  recoveryThreshold: fc.option(fc.integer({ min: 0, max: 5 })),
  by: fc.constantFrom(null, null, ['target'], []),
  noData: fc.constantFrom('keep', 'ok', 'alert'),
} as const);
const filter = fc.constantFrom(
  {},
  {},
  {},
  { agentIds: ['a'] },
  { providers: ['aws', 'azure'] },
  { regions: ['eu'] },
  { providers: ['gcp'], regions: ['us'] },
);
const ruleFields = (name: string) =>
  fc
    .record({
      subject,
      filter,
      forMs: durations,
      keepFiringForMs: durations,
      intervalMs: fc.constantFrom(INTERVAL, INTERVAL, 5 * MINUTE),
      enabled: fc.constantFrom(true, true, true, false),
    })
    .map(({ subject: of, ...fields }) => metricRule(of as Partial<MetricSubject>, { name, ...fields }));
const agentRule = fc
  .record({
    condition: fc.constantFrom('disconnected', 'stale', 'clock_skew', 'config_failed'),
    thresholdMs: fc.constantFrom(null, 20 * SECOND),
    filter,
    forMs: durations,
    keepFiringForMs: durations,
  } as const)
  .map(
    ({ condition, thresholdMs, ...fields }): AlertRuleFields => ({
      ...metricRule({}, { name: 'agents', intervalMs: INTERVAL, ...fields }),
      subject: { kind: 'agent', condition, thresholdMs: condition === 'stale' || condition === 'clock_skew' ? thresholdMs : null },
    }),
  );

const samplesOfAge = (ageMs: fc.Arbitrary<number>) =>
  fc.array(
    fc.record({
      agentId: fc.constantFrom(...AGENTS),
      name: fc.constantFrom(...NAMES),
      tags: fc.constantFrom(...TAGS),
      ageMs,
      value: fc.integer({ min: 0, max: 5 }),
    }),
    { maxLength: 8 },
  );
const samplesOfNow = samplesOfAge(
  fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: INTERVAL }) }, fc.integer({ min: -MINUTE, max: 6 * MINUTE })),
);
const lateSamples = samplesOfAge(fc.integer({ min: LATE - SECOND, max: 6 * MINUTE }));
const anAgent = fc.constantFrom(...AGENTS);
const off = fc.integer({ min: 0, max: 60 });
const event = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant('samples' as const), samples: samplesOfNow }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('samples' as const), samples: lateSamples }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('agent' as const), id: anAgent, up: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('skew' as const), id: anAgent, ms: fc.integer({ min: -MINUTE, max: MINUTE }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('config' as const), id: anAgent, isFailed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('restart' as const, 'crash' as const), steps: off }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('dismiss' as const), nth: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clock' as const), byMs: fc.integer({ min: -20 * MINUTE, max: 20 * MINUTE }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('rule' as const), fields: fc.oneof(ruleFields('one'), ruleFields('two')) }) },
);
const step = fc.record({ event, steps: fc.constantFrom(1, 1, 1, 2, 5, 40) });

/** Of an agent that tried the newest one. */
const CONFIG = {
  version: 2,
  updatedAtMs: T0,
  attemptedVersion: 2,
  attemptError: null,
  attemptedAtMs: T0,
  effectiveVersion: 1,
  effectiveAtMs: T0,
};

class Run {
  readonly world = new AlertWorld();
  readonly model = new AlertModel(PLACES);
  private readonly ids = new Map<string, string>();

  async start(rules: readonly AlertRuleFields[]): Promise<void> {
    for (const id of AGENTS) {
      this.world.addAgent(id, PLACES[id]);
      // Long ago there was a sample of everything, so that nothing is unheard of.
      for (const name of NAMES) for (const tags of TAGS) this.add({ agentId: id, name, tags, timestampMs: T0 - 50 * MINUTE, value: 0 });
    }
    await this.world.start();
    for (const rule of rules) await this.setRule(rule);
  }

  async happens(next: EventOf<typeof step>): Promise<void> {
    const { world, model } = this;
    switch (next.type) {
      case 'samples': {
        const batches = AGENTS.map((agentId) => next.samples.filter((sample) => sample.agentId === agentId));
        for (const batch of batches) this.arrive(batch.map(({ ageMs, ...sample }) => ({ ...sample, timestampMs: world.nowMs - ageMs })));
        break;
      }
      case 'agent':
        if (next.up === (model.agents.get(next.id)!.sinceMs !== null)) break;
        model.agents.get(next.id)!.sinceMs = next.up ? world.nowMs : null;
        world.setAgent(next.id, next.up ? { status: 'connected', connectedAtMs: world.nowMs } : { status: 'disconnected' });
        break;
      case 'skew':
        model.agents.get(next.id)!.skewMs = next.ms;
        world.setAgent(next.id, { clockSkewMs: next.ms });
        break;
      case 'config':
        model.agents.get(next.id)!.hasFailedConfig = next.isFailed;
        world.setAgent(next.id, { config: { ...CONFIG, attemptStatus: next.isFailed ? 'failed' : 'applied' } });
        break;
      case 'restart':
      case 'crash':
        model.beginAnew();
        for (const agentId of AGENTS) world.setAgent(agentId, { newestLateMs: null });
        if (next.type === 'crash') model.crash();
        await world[next.type](next.steps * INTERVAL);
        break;
      case 'dismiss': {
        const alerts = world.evaluator.alerts();
        const alert = alerts[next.nth % alerts.length];
        if (alert === undefined) break;
        await world.evaluator.dismiss(alert.id);
        model.dismiss(`${String(alert.labels.alertname)} ${alert.groupKey}`);
        break;
      }
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
    this.model.evaluate(this.world.nowMs, this.world.uptimeMs);
  }

  compare(): void {
    const { world, model } = this;
    const alerts = world.evaluator.alerts();
    // And for how long they have been pending, or well.
    const actual = alerts.map(({ labels, groupKey, state, startedAtMs, wellSinceMs, updatedAtMs }) => {
      const sinceMs = state === 'pending' ? startedAtMs : wellSinceMs;
      return `${String(labels.alertname)} ${groupKey} ${state} ${sinceMs === null ? 'bad' : updatedAtMs - sinceMs}`;
    });
    const expected = [...model.states].map(([key, { firing, badForMs, wellForMs }]) => {
      const forMs = firing ? wellForMs : badForMs;
      return `${key} ${firing ? 'firing' : 'pending'} ${forMs < 0 ? 'bad' : forMs}`;
    });
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
    model.setRule(fields);
  }

  /** One batch of one agent. */
  private arrive(samples: readonly ModelSample[]): void {
    const [first] = samples;
    if (first === undefined) return;
    const { world, model } = this;
    for (const sample of samples) this.add(sample);
    const agent = model.agents.get(first.agentId)!;
    agent.heardMs = world.nowMs;
    const newestMs = Math.max(...samples.map(({ timestampMs }) => timestampMs));
    if (world.nowMs - newestMs > LATE) agent.newestLateMs = Math.max(agent.newestLateMs ?? newestMs, newestMs);
    world.setAgent(first.agentId, { lastSeenMs: world.nowMs, newestLateMs: agent.newestLateMs });
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
        async (one, two, ofAgents, story) => {
          const run = new Run();
          try {
            await run.start([one, two, ofAgents]);
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
      { numRuns: 600 },
    );
  });
});
