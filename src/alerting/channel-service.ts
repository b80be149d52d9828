import type { Channel, ChannelType, LoggedDelivery } from '../model/alert.js';
import { CHANNEL_TYPES } from '../model/alert.js';
import { AppError } from '../model/errors.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { Clock } from '../runtime/clock.js';
import type { Part } from '../runtime/lifecycle.js';
import { Turns } from '../runtime/turns.js';
import type { ChannelStore, DeliveryStore } from '../storage/ports/alerts.js';
import { presentMatchers } from './matchers.js';
import { parseChannel, shownSettings } from './notify/channel-body.js';
import { CHANNEL_KINDS } from './notify/channels/channel-kinds.js';
import { groupLabelsOf } from './notify/notification.js';
import type { SendResult } from './notify/send-result.js';
import { applySettingsChannels, type SettingsChannels } from './notify/settings-channels.js';

export interface ChannelServiceDeps {
  readonly store: ChannelStore;
  readonly deliveries: Pick<DeliveryStore, 'log'>;
  /** Channels of the configuration. */
  readonly settings: SettingsChannels;
  readonly send: (channel: Channel) => Promise<SendResult>;
  readonly clock: Clock;
}

export type ChannelAnswer = ReturnType<typeof presentChannel>;

const MAX_CHANNELS = 200;

/** Who is told of alerts, as people ask for it; kept in memory, because every notification asks. */
export class ChannelService implements Part {
  private channels: readonly Channel[] = [];
  private readonly turns = new Turns();

  constructor(private readonly deps: ChannelServiceDeps) {}

  /** @throws of storage */
  async start(): Promise<void> {
    const { store, settings, clock } = this.deps;
    await applySettingsChannels(settings, store, clock.nowMs());
    this.channels = await store.all();
  }

  async stop(): Promise<void> {
    await this.turns.ended();
  }

  /** As they are now; a channel is the same object until it is changed. */
  all(): readonly Channel[] {
    return this.channels;
  }

  /** By name, and the types there are with what each wants to know. */
  list() {
    return {
      channels: [...this.channels].sort((a, b) => a.name.localeCompare(b.name, 'en')).map(presentChannel),
      types: CHANNEL_TYPES.map((type) => ({ type, settings: settingsOf(type) })),
    };
  }

  /** @throws AppError `validation_failed`; `conflict` when there is a channel of that name, or too many */
  create(body: unknown): Promise<ChannelAnswer> {
    return this.turns.take(async () => {
      const { store, clock } = this.deps;
      const fields = parseChannel(body, null);
      if (this.channels.length >= MAX_CHANNELS) {
        throw new AppError('conflict', `there are ${MAX_CHANNELS} channels already, more are not allowed`);
      }
      const channel = await store.create(fields, clock.nowMs());
      if (channel === null) throw taken(fields.name);
      this.channels = [...this.channels, channel];
      return presentChannel(channel);
    });
  }

  /** Changes what is given only. @throws AppError `validation_failed`, `not_found`; `conflict` for a name that is taken, or a channel of the configuration */
  update(id: string, body: unknown): Promise<ChannelAnswer> {
    return this.turns.take(async () => {
      const { store, clock } = this.deps;
      const fields = parseChannel(body, this.ofPeople(id));
      const channel = await store.update(id, fields, clock.nowMs());
      if (channel === 'not_found') throw unknown(id);
      if (channel === 'name_taken') throw taken(fields.name);
      this.channels = this.channels.map((known) => (known.id === id ? channel : known));
      return presentChannel(channel);
    });
  }

  /** @throws AppError `not_found`; `conflict` for a channel of the configuration */
  remove(id: string): Promise<{ message: string; id: string }> {
    return this.turns.take(async () => {
      this.ofPeople(id);
      if (!(await this.deps.store.remove(id))) throw unknown(id);
      this.channels = this.channels.filter((known) => known.id !== id);
      return { message: 'channel deleted', id };
    });
  }

  /** Tells the channel something now, and what came of it. @throws AppError `not_found` */
  async test(id: string): Promise<{ delivered: boolean; error: string | null }> {
    const result = await this.deps.send(this.find(id));
    return result.outcome === 'delivered' ? { delivered: true, error: result.warning ?? null } : { delivered: false, error: result.error };
  }

  /** What it was told, newest first. @throws AppError `not_found` */
  async deliveries(id: string, limit: number) {
    const { id: channelId } = this.find(id);
    const deliveries = await this.deps.deliveries.log({ channelId, limit });
    return { deliveries: deliveries.map(presentDelivery) };
  }

  private find(id: string): Channel {
    const channel = this.channels.find((candidate) => candidate.id === id);
    if (channel === undefined) throw unknown(id);
    return channel;
  }

  private ofPeople(id: string): Channel {
    const channel = this.find(id);
    if (!channel.isFromSettings) return channel;
    throw new AppError('conflict', `the channel "${channel.name}" comes from the configuration, and is changed there`);
  }
}

/** A channel in the wire's shape: without its secrets. */
function presentChannel(channel: Channel) {
  return {
    id: channel.id,
    name: channel.name,
    type: channel.type,
    settings: shownSettings(channel),
    matchers: presentMatchers(channel.matchers),
    group_by: channel.groupBy,
    group_wait: channel.groupWaitMs / 1_000,
    group_interval: channel.groupIntervalMs / 1_000,
    repeat_interval: channel.repeatIntervalMs / 1_000,
    sends_resolved: channel.sendsResolved,
    enabled: channel.enabled,
    is_from_settings: channel.isFromSettings,
    created_at: isoTime(channel.createdAtMs),
    updated_at: isoTime(channel.updatedAtMs),
  };
}

/** What the schema of a type's settings says of each of them. */
function settingsOf(type: ChannelType) {
  const { schema, secrets } = CHANNEL_KINDS[type];
  const { keys = {} } = schema.describe() as { keys?: Record<string, { flags?: { presence?: string } }> };
  return Object.entries(keys).map(([name, { flags }]) => ({
    name,
    is_required: flags?.presence === 'required',
    is_secret: secrets.includes(name),
  }));
}

function presentDelivery(delivery: LoggedDelivery) {
  return {
    id: delivery.id,
    status: delivery.status,
    attempts: delivery.attempts,
    created_at: isoTime(delivery.createdAtMs),
    finished_at: isoTimeOrNull(delivery.finishedAtMs),
    next_attempt_at: isoTime(delivery.nextAttemptAtMs),
    last_error: delivery.lastError,
    group_labels: groupLabelsOf(delivery.groupKey),
    alerts: delivery.alerts,
  };
}

function unknown(id: string): AppError {
  return new AppError('not_found', `there is no channel "${id.slice(0, 100)}"`);
}

function taken(name: string): AppError {
  return new AppError('conflict', `there is a channel "${name}" already`);
}
