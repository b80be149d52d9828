/** An evaluator over plain arrays and Maps, on clocks that only move when they are told to. */
import { Evaluator } from '../../src/alerting/evaluator.js';
import type { Agent } from '../../src/model/agent.js';
import type { Alert, AlertRule, AlertRuleFields, MetricSubject } from '../../src/model/alert.js';
import type { Events, SystemAlert } from '../../src/model/event.js';
import { EventBus } from '../../src/runtime/event-bus.js';
import { agentOf, FakeAgents } from './fake-agents.js';
import { MemoryAlertStores } from './memory-alert-stores.js';
import { MemoryLogger } from './memory-logger.js';
import { NaiveReader, type Place, type PlainSample } from './naive-reader.js';

export const T0 = Date.UTC(2026, 0, 31, 12);
export const SECOND = 1_000;
export const MINUTE = 60_000;

/** Of rules that do not say otherwise. */
export const INTERVAL = 10 * SECOND;
export const LAST = { aggregation: 'last' } as const;

/** "The average of a minute of `load` by agent and tags is above 10", at once. */
export function metricRule(subject: Partial<MetricSubject> = {}, fields: Partial<AlertRuleFields> = {}): AlertRuleFields {
  return {
    name: 'Load',
    subject: {
      kind: 'metric',
      metricName: 'load',
      aggregation: 'avg',
      windowMs: MINUTE,
      condition: 'gt',
      threshold: 10,
      recoveryThreshold: null,
      by: null,
      noData: 'keep',
      ...subject,
    },
    filter: {},
    severity: 'warning',
    forMs: 0,
    keepFiringForMs: 0,
    intervalMs: INTERVAL,
    labels: {},
    annotations: {},
    enabled: true,
    ...fields,
  };
}

export class AlertWorld {
  readonly stores = new MemoryAlertStores();
  readonly agents = new FakeAgents();
  private readonly places: Record<string, Place> = {};
  readonly reader = new NaiveReader([], this.places);
  readonly logger = new MemoryLogger();
  readonly bus = new EventBus<Events>(this.logger);
  readonly systemAlerts: SystemAlert[] = [];
  /** What listeners heard. */
  readonly told: Alert[] = [];
  nowMs = T0;
  /** Long after the start of the machine. */
  uptimeMs = 1_000_000;
  maxActive = 10_000;
  evaluator = this.makeEvaluator();

  /** With agents of these names, whom nothing is the matter with. */
  constructor(...agentIds: readonly string[]) {
    this.bus.on('systemAlert', (alert) => this.systemAlerts.push(alert));
    for (const id of agentIds) this.addAgent(id);
  }

  addAgent(id: string, fields: Partial<Agent> = {}): void {
    const agent = agentOf(id, { connectedAtMs: T0 - 3_600_000, lastSeenMs: this.nowMs, ...fields });
    this.agents.agents.set(id, agent);
    const { provider, region, zone } = agent;
    this.places[id] = { provider, region, zone };
  }

  setAgent(id: string, fields: Partial<Agent>): void {
    const agent = { ...this.agents.find(id)!, ...fields };
    this.agents.agents.set(id, agent);
    if (fields.status === 'disconnected') this.bus.emit('agentDisconnected', agent);
    if (fields.status === 'connected') this.bus.emit('agentConnected', agent);
  }

  async addRule(fields: AlertRuleFields): Promise<AlertRule> {
    const rule = await this.stores.rules.create(fields, this.nowMs);
    if (rule === null) throw new Error(`there is a rule "${fields.name}"`);
    if (this.isRunning) await this.evaluator.rulesChanged();
    return rule;
  }

  /** A sample of now, unless it says when. */
  sample(value: number, fields: Partial<PlainSample> = {}): void {
    this.reader.add({ agentId: 'a', name: 'load', timestampMs: this.nowMs - 1, value, ...fields });
  }

  private isRunning = false;

  async start(): Promise<void> {
    await this.evaluator.start();
    this.isRunning = true;
    // Agents have had the time to come back.
    this.uptimeMs += 60_000;
  }

  /** Both clocks go on. */
  wait(ms: number): void {
    this.nowMs += ms;
    this.uptimeMs += ms;
  }

  /** And then what is due is evaluated. */
  async pass(ms: number): Promise<void> {
    this.wait(ms);
    await this.evaluator.evaluate();
  }

  /** One sample per interval, and an evaluation after each. */
  async samples(...values: readonly number[]): Promise<void> {
    for (const value of values) {
      this.wait(INTERVAL - 1);
      this.sample(value);
      await this.pass(1);
    }
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await this.evaluator.stop();
  }

  /** Ends without a stop, and starts again after so long. */
  async crash(offMs: number): Promise<void> {
    const { evaluator } = this;
    this.evaluator = this.makeEvaluator();
    this.wait(offMs);
    // Its timer ends; what it would still have saved is lost.
    this.stores.alerts.failWith = new Error('crashed');
    await evaluator.stop().catch(() => undefined);
    this.stores.alerts.failWith = null;
    await this.start();
  }

  async restart(offMs: number): Promise<void> {
    await this.stop();
    this.evaluator = this.makeEvaluator();
    this.wait(offMs);
    await this.start();
  }

  /** States of active alerts by group, as `{"agent":"a"}: firing`. */
  states(): Record<string, string> {
    return Object.fromEntries(this.evaluator.alerts().map(({ groupKey, state }) => [groupKey, state]));
  }

  /** The one state there is. */
  state(): string {
    return this.evaluator
      .alerts()
      .map(({ state, wellSinceMs }) => (wellSinceMs === null ? state : `${state}, well`))
      .join(' + ');
  }

  /** What was told since the last time that was asked. */
  news(): string[] {
    return this.told.splice(0).map(({ state, wellSinceMs, resolvedReason }) => {
      if (state === 'resolved') return `resolved: ${String(resolvedReason)}`;
      return wellSinceMs === null ? state : `${state}, well`;
    });
  }

  private makeEvaluator(): Evaluator {
    const evaluator = new Evaluator({
      rules: this.stores.rules,
      alerts: this.stores.alerts,
      reader: this.reader,
      agents: this.agents,
      bus: this.bus,
      clock: { nowMs: () => this.nowMs },
      monotonic: () => this.uptimeMs,
      logger: this.logger,
      maxActive: this.maxActive,
    });
    evaluator.onChanged((alerts) => this.told.push(...alerts));
    return evaluator;
  }
}
