import { randomUUID } from 'node:crypto';
import type { Alert, Channel, NewDelivery, NotificationGroup, WaitingDelivery } from '../../model/alert.js';
import type { Clock } from '../../runtime/clock.js';
import type { Part } from '../../runtime/lifecycle.js';
import type { Logger } from '../../runtime/logger.js';
import type { AlertStore, DeliveryStore } from '../../storage/ports/alerts.js';
import { Breather } from '../breather.js';
import { compileMatchers, type LabelTest } from '../matchers.js';
import type { SilenceSet } from '../silences.js';
import { CHANNEL_KINDS } from './channels/channel-kinds.js';
import { FailureLog } from './failure-log.js';
import type { Notification } from './notification.js';
import { pieces } from './pieces.js';
import { plan } from './planner.js';
import { ResolvedAlerts } from './resolved-alerts.js';

export interface NotifierDeps {
  /** The evaluator's alerts, or the store's. Pending and firing ones. */
  readonly active: () => readonly Alert[] | Promise<readonly Alert[]>;
  readonly history: AlertStore['history'];
  readonly silences: () => SilenceSet;
  readonly channels: () => readonly Channel[] | Promise<readonly Channel[]>;
  readonly deliveries: Pick<DeliveryStore, 'groups' | 'enqueue'>;
  readonly sender: { take(deliveries: readonly WaitingDelivery[]): void; reload(): void };
  readonly clock: Clock;
  readonly logger: Logger;
}

const TICK_MS = 1_000;
/** Silences begin and end, and channels change, without a word. */
const LONGEST_PAUSE_MS = 15_000;

/**
 * Decides what channels are told (planner.ts) whenever alerts have changed, a wait is over, and every few seconds for the
 * silences. What was told and the notifications are stored in one transaction, and only then sent: after a crash in
 * between they are sent by the next process, which neither plans them again nor forgets them. When storage fails, nothing
 * was told, and all is planned again from what storage says.
 */
export class Notifier implements Part {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> | null = null;
  private stopped = false;
  private isDirty = true;
  private plannedAtMs = -Infinity;
  private nextAtMs = -Infinity;
  /** What was told, by channel and group key; null: not read yet, or not certain. */
  private groups: Map<string, Map<string, NotificationGroup>> | null = null;
  private readonly resolved: ResolvedAlerts;
  private readonly planning: FailureLog;
  private readonly matchers = new WeakMap<Channel, LabelTest>();

  constructor(private readonly deps: NotifierDeps) {
    this.resolved = new ResolvedAlerts(deps.history, deps.clock);
    this.planning = new FailureLog(deps.logger, {
      fails: 'who is to be told of alerts could not be settled; it is tried again',
      works: 'who is to be told of alerts is settled again',
    });
  }

  start(): void {
    this.stopped = false;
    this.isDirty = true;
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
    await this.running;
    this.groups = null;
  }

  /** Alerts have changed, and are stored. Those that are over may be given, which saves looking for them. */
  alertsChanged(changed: readonly Alert[] = []): void {
    this.resolved.learn(changed);
    this.isDirty = true;
  }

  /** Plans now, unless that is being done; resolves at its end. Never rejects. */
  run(): Promise<void> {
    this.running ??= this.planAll()
      .then(() => this.planning.succeeded())
      .catch((error: unknown) => this.failed(error))
      .finally(() => {
        this.running = null;
      });
    return this.running;
  }

  private tick(): void {
    const nowMs = this.deps.clock.nowMs();
    if (this.isDirty || nowMs >= this.nextAtMs || Math.abs(nowMs - this.plannedAtMs) >= LONGEST_PAUSE_MS) void this.run();
  }

  private async planAll(): Promise<void> {
    const { active, channels, silences, clock } = this.deps;
    this.isDirty = false;
    const groups = (this.groups ??= await this.readGroups());
    const [alerts, known] = await Promise.all([active(), channels()]);
    const nowMs = clock.nowMs();
    const silenced = await silencedOf(alerts, silences().at(nowMs));
    const activeIds = new Set(alerts.map((alert) => alert.id));
    await this.resolved.find(
      [...groups.values()].flatMap((told) => [...told.values()]),
      activeIds,
    );
    this.plannedAtMs = nowMs;
    this.nextAtMs = Infinity;
    for (const channel of known) {
      if (!channel.enabled || this.stopped) continue;
      await this.planChannel(channel, groups, alerts, silenced, nowMs);
      // Sockets get their turn between two channels.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.forgetChannels(groups, known);
  }

  private async planChannel(
    channel: Channel,
    groups: Map<string, Map<string, NotificationGroup>>,
    active: readonly Alert[],
    silenced: ReadonlySet<string>,
    nowMs: number,
  ): Promise<void> {
    const told = groups.get(channel.id) ?? new Map<string, NotificationGroup>();
    const { alerts: resolved, lost } = this.resolved;
    const planned = plan({
      channel,
      groups: [...told.values()],
      active,
      resolved,
      lost,
      silenced,
      matches: this.matches(channel),
      nowMs,
    });
    this.nextAtMs = Math.min(this.nextAtMs, planned.nextAtMs);
    if (planned.groups.length === 0) return;
    const deliveries = planned.notifications.flatMap((notification) => toDeliveries(notification, channel, nowMs));
    await this.deps.deliveries.enqueue(planned.groups, deliveries);
    for (const group of planned.groups) {
      if (group.toldFiring.length > 0) told.set(group.groupKey, group);
      else told.delete(group.groupKey);
    }
    groups.set(channel.id, told);
    // What they tell is read when it is sent.
    this.deps.sender.take(deliveries.map(withoutPayload));
  }

  /** Whether it was stored is not known: storage is asked, by the sender too. */
  private failed(error: unknown): void {
    this.groups = null;
    this.nextAtMs = this.deps.clock.nowMs() + 5 * TICK_MS;
    this.plannedAtMs = this.deps.clock.nowMs();
    this.deps.sender.reload();
    this.planning.failed({ error });
  }

  private async readGroups(): Promise<Map<string, Map<string, NotificationGroup>>> {
    const byChannel = new Map<string, Map<string, NotificationGroup>>();
    for (const group of await this.deps.deliveries.groups()) {
      const told = byChannel.get(group.channelId) ?? new Map<string, NotificationGroup>();
      byChannel.set(group.channelId, told.set(group.groupKey, group));
    }
    return byChannel;
  }

  private forgetChannels(groups: Map<string, Map<string, NotificationGroup>>, known: readonly Channel[]): void {
    const ids = new Set(known.map((channel) => channel.id));
    for (const id of groups.keys()) if (!ids.has(id)) groups.delete(id);
  }

  private matches(channel: Channel): LabelTest {
    let test = this.matchers.get(channel);
    if (test === undefined) {
      test = compileMatchers(channel.matchers);
      this.matchers.set(channel, test);
    }
    return test;
  }
}

/** Ids of the firing alerts that are silenced. Judged once for all channels, and with a breath: there may be many of both. */
async function silencedOf(alerts: readonly Alert[], isSilenced: LabelTest): Promise<Set<string>> {
  const silenced = new Set<string>();
  const breather = new Breather();
  for (const { id, state, labels } of alerts) {
    if (breather.isDue) await breather.breathe();
    if (state === 'firing' && isSilenced(labels)) silenced.add(id);
  }
  return silenced;
}

function withoutPayload(delivery: NewDelivery): WaitingDelivery {
  const { payloadJson: _, ...waiting } = delivery;
  return waiting;
}

function toDeliveries(notification: Notification, channel: Channel, nowMs: number): NewDelivery[] {
  return pieces(notification, CHANNEL_KINDS[channel.type]).map((piece) => ({
    id: randomUUID(),
    channelId: channel.id,
    groupKey: notification.groupKey,
    status: 'waiting',
    payloadJson: JSON.stringify(piece),
    tellsResolved: piece.alerts.at(-1)?.status === 'resolved',
    attempts: 0,
    nextAttemptAtMs: nowMs,
    createdAtMs: nowMs,
    finishedAtMs: null,
    lastError: null,
  }));
}
