/** The ports of alerting over Maps: slow, small, obviously right. Set `failWith` to have the next calls of a store rejected. */
import type {
  Acknowledgement,
  Alert,
  AlertRule,
  AlertRuleFields,
  Channel,
  ChannelFields,
  Delivery,
  LoggedDelivery,
  NewDelivery,
  NotificationGroup,
  Silence,
  SilenceFields,
  WaitingDelivery,
} from '../../src/model/alert.js';
import type {
  AlertHistoryQuery,
  AlertRuleStore,
  AlertStore,
  AlertStores,
  ChannelStore,
  DeliveryStore,
  SilenceStore,
} from '../../src/storage/ports/alerts.js';
import { loggedOf, waitingOf } from './alert-fixtures.js';

abstract class Failing {
  failWith: Error | null = null;
  private made = 0;

  protected check(): void {
    if (this.failWith !== null) throw this.failWith;
  }

  protected newId(kind: string): string {
    this.made += 1;
    return `${kind}-${this.made}`;
  }
}

export class MemoryAlertRuleStore extends Failing implements AlertRuleStore {
  readonly rows = new Map<string, AlertRule>();
  defaultsMade = false;

  async all(): Promise<AlertRule[]> {
    this.check();
    return [...this.rows.values()];
  }

  async create(fields: AlertRuleFields, nowMs: number, isDefault = false): Promise<AlertRule | null> {
    this.check();
    if (this.named(fields.name) !== undefined) return null;
    const rule = { ...fields, id: this.newId('rule'), isDefault, createdAtMs: nowMs, updatedAtMs: nowMs };
    this.rows.set(rule.id, rule);
    return rule;
  }

  async update(id: string, fields: AlertRuleFields, nowMs: number): Promise<AlertRule | 'not_found' | 'name_taken'> {
    this.check();
    const known = this.rows.get(id);
    if (known === undefined) return 'not_found';
    if ((this.named(fields.name)?.id ?? id) !== id) return 'name_taken';
    const rule = { ...known, ...fields, updatedAtMs: Math.max(nowMs, known.updatedAtMs + 1) };
    this.rows.set(id, rule);
    return rule;
  }

  async remove(id: string): Promise<boolean> {
    this.check();
    return this.rows.delete(id);
  }

  async createDefaults(rules: readonly AlertRuleFields[], nowMs: number): Promise<boolean> {
    this.check();
    if (this.defaultsMade) return false;
    this.defaultsMade = true;
    for (const rule of rules) await this.create(rule, nowMs, true);
    return true;
  }

  private named(name: string): AlertRule | undefined {
    return [...this.rows.values()].find((rule) => rule.name === name);
  }
}

export class MemoryAlertStore extends Failing implements AlertStore {
  readonly rows = new Map<string, Alert>();
  /** What each `save` was given, one list per transaction. */
  readonly saves: (readonly Alert[])[] = [];
  /** Saves, and says that it did not: as a thread that ended before its answer. */
  loseAnswers = false;

  async active(): Promise<Alert[]> {
    this.check();
    return [...this.rows.values()].filter(({ state }) => state !== 'resolved');
  }

  async save(alerts: readonly Alert[]): Promise<void> {
    this.check();
    this.saves.push(alerts);
    for (const alert of alerts) {
      if (alert.state === 'resolved' && alert.firingSinceMs === null) this.rows.delete(alert.id);
      else this.rows.set(alert.id, alert);
    }
    if (this.loseAnswers) throw new Error('the answer was lost');
  }

  async acknowledge(id: string, acknowledgement: Acknowledgement | null): Promise<boolean> {
    this.check();
    const alert = this.rows.get(id);
    if (alert === undefined || alert.state === 'resolved') return false;
    this.rows.set(id, { ...alert, acknowledgement });
    if (this.loseAnswers) throw new Error('the answer was lost');
    return true;
  }

  async history({ ruleId, agentId, severity, sinceMs = 0, untilMs = Infinity, limit, offset }: AlertHistoryQuery) {
    this.check();
    const alerts = [...this.rows.values()]
      .filter((alert) => alert.state === 'resolved' && alert.firingSinceMs !== null)
      .filter((alert) => (ruleId ?? alert.ruleId) === alert.ruleId && (agentId ?? alert.agentId) === alert.agentId)
      .filter((alert) => (severity ?? alert.labels.severity) === alert.labels.severity)
      .filter(({ resolvedAtMs }) => (resolvedAtMs ?? 0) >= sinceMs && (resolvedAtMs ?? 0) < untilMs)
      .sort((a, b) => (b.resolvedAtMs ?? 0) - (a.resolvedAtMs ?? 0));
    return { alerts: alerts.slice(offset, offset + limit), total: alerts.length };
  }

  async purge(resolvedBeforeMs: number, keep: number): Promise<number> {
    this.check();
    const over = [...this.rows.values()]
      .filter(({ resolvedAtMs }) => resolvedAtMs !== null)
      .sort((a, b) => b.resolvedAtMs! - a.resolvedAtMs!);
    const old = over.filter(({ resolvedAtMs }, i) => i >= keep || resolvedAtMs! < resolvedBeforeMs);
    for (const { id } of old) this.rows.delete(id);
    return old.length;
  }
}

export class MemorySilenceStore extends Failing implements SilenceStore {
  readonly rows = new Map<string, Silence>();

  async all(): Promise<Silence[]> {
    this.check();
    return [...this.rows.values()];
  }

  async create(fields: SilenceFields, nowMs: number): Promise<Silence> {
    this.check();
    const silence = { ...fields, id: this.newId('silence'), createdAtMs: nowMs, updatedAtMs: nowMs };
    this.rows.set(silence.id, silence);
    return silence;
  }

  async update(id: string, fields: SilenceFields, nowMs: number): Promise<Silence | null> {
    this.check();
    const known = this.rows.get(id);
    if (known === undefined) return null;
    const silence = { ...known, ...fields, updatedAtMs: nowMs };
    this.rows.set(id, silence);
    return silence;
  }

  async remove(id: string): Promise<boolean> {
    this.check();
    return this.rows.delete(id);
  }
}

export class MemoryDeliveryStore extends Failing implements DeliveryStore {
  readonly groupRows = new Map<string, NotificationGroup>();
  readonly deliveries = new Map<string, NewDelivery>();

  async groups(): Promise<NotificationGroup[]> {
    this.check();
    return [...this.groupRows.values()];
  }

  async enqueue(groups: readonly NotificationGroup[], deliveries: readonly NewDelivery[]): Promise<void> {
    this.check();
    for (const group of groups) {
      const key = JSON.stringify([group.channelId, group.groupKey]);
      if (group.toldFiring.length === 0) this.groupRows.delete(key);
      else this.groupRows.set(key, group);
    }
    for (const delivery of deliveries) this.deliveries.set(delivery.id, delivery);
  }

  async waiting(limit: number): Promise<WaitingDelivery[]> {
    this.check();
    return [...this.deliveries.values()]
      .filter(({ status }) => status === 'waiting')
      .slice(0, limit)
      .map(waitingOf);
  }

  async payload(id: string): Promise<string | null> {
    this.check();
    const delivery = this.deliveries.get(id);
    return delivery?.status === 'waiting' ? delivery.payloadJson : null;
  }

  async record(delivery: Delivery): Promise<void> {
    this.check();
    const known = this.deliveries.get(delivery.id);
    if (known !== undefined) this.deliveries.set(delivery.id, { ...known, ...delivery });
  }

  async log({ channelId, limit }: { readonly channelId?: string; readonly limit: number }): Promise<LoggedDelivery[]> {
    this.check();
    return this.newestFirst()
      .filter((delivery) => (channelId ?? delivery.channelId) === delivery.channelId)
      .slice(0, limit)
      .map(loggedOf);
  }

  async purge(finishedBeforeMs: number, keep: number): Promise<number> {
    this.check();
    const kept = new Map<string, number>();
    let removed = 0;
    for (const { id, channelId, finishedAtMs } of this.newestFirst()) {
      if (finishedAtMs === null) continue;
      const place = (kept.get(channelId) ?? 0) + 1;
      kept.set(channelId, place);
      if (finishedAtMs >= finishedBeforeMs && place <= keep) continue;
      this.deliveries.delete(id);
      removed += 1;
    }
    return removed;
  }

  forget(channelId: string): void {
    for (const [key, group] of this.groupRows) if (group.channelId === channelId) this.groupRows.delete(key);
    for (const [id, delivery] of this.deliveries) if (delivery.channelId === channelId) this.deliveries.delete(id);
  }

  private newestFirst(): NewDelivery[] {
    return [...this.deliveries.values()].sort((a, b) => b.createdAtMs - a.createdAtMs);
  }
}

export class MemoryChannelStore extends Failing implements ChannelStore {
  readonly rows = new Map<string, Channel>();

  constructor(private readonly deliveries = new MemoryDeliveryStore()) {
    super();
  }

  async all(): Promise<Channel[]> {
    this.check();
    return [...this.rows.values()];
  }

  async create(fields: ChannelFields, nowMs: number, isFromSettings = false): Promise<Channel | null> {
    this.check();
    if (this.named(fields.name) !== undefined) return null;
    const channel = { ...fields, id: this.newId('channel'), isFromSettings, createdAtMs: nowMs, updatedAtMs: nowMs };
    this.rows.set(channel.id, channel);
    return channel;
  }

  async update(id: string, fields: ChannelFields, nowMs: number): Promise<Channel | 'not_found' | 'name_taken'> {
    this.check();
    const known = this.rows.get(id);
    if (known === undefined) return 'not_found';
    if ((this.named(fields.name)?.id ?? id) !== id) return 'name_taken';
    const channel = { ...known, ...fields, updatedAtMs: nowMs };
    this.rows.set(id, channel);
    return channel;
  }

  async remove(id: string): Promise<boolean> {
    this.check();
    this.deliveries.forget(id);
    return this.rows.delete(id);
  }

  async fromSettings(name: string, fields: ChannelFields | null, nowMs: number): Promise<void> {
    this.check();
    const known = [...this.rows.values()].find((channel) => channel.isFromSettings && channel.name === name);
    if (fields === null) {
      if (known !== undefined) await this.remove(known.id);
    } else if (known === undefined) await this.create(fields, nowMs, true);
    else await this.update(known.id, fields, nowMs);
  }

  private named(name: string): Channel | undefined {
    return [...this.rows.values()].find((channel) => channel.name === name);
  }
}

export class MemoryAlertStores implements AlertStores {
  readonly rules = new MemoryAlertRuleStore();
  readonly alerts = new MemoryAlertStore();
  readonly silences = new MemorySilenceStore();
  readonly deliveries = new MemoryDeliveryStore();
  readonly channels = new MemoryChannelStore(this.deliveries);
}
