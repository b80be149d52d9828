/** What alerting keeps: one store for each kind of thing. All methods fail as storage does (`storage_full`, `storage_unavailable`, `overloaded`). */
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
} from '../../model/alert.js';

export interface AlertRuleStore {
  all(): Promise<AlertRule[]>;
  /** Null: there is a rule of that name. */
  create(fields: AlertRuleFields, nowMs: number): Promise<AlertRule | null>;
  /** `updatedAtMs` is another one each time, whatever the clock says. `not_found`, or `name_taken`. */
  update(id: string, fields: AlertRuleFields, nowMs: number): Promise<AlertRule | 'not_found' | 'name_taken'>;
  remove(id: string): Promise<boolean>;
  /** Makes these rules unless that was done before, also when they were deleted since. Answers whether it did. */
  createDefaults(rules: readonly AlertRuleFields[], nowMs: number): Promise<boolean>;
}

/** What is written when an alert changes. `id`s of new alerts are chosen by whoever makes them (UUID). */
export interface AlertStore {
  /** Pending and firing ones. */
  active(): Promise<Alert[]>;
  /**
   * Inserts or replaces, in one transaction. Those that resolved without ever firing are deleted instead. The acknowledgement of one
   * that is stored already stays as it is: only `acknowledge` changes it.
   */
  save(alerts: readonly Alert[]): Promise<void>;
  /** False: there is none of that id that is not over. */
  acknowledge(id: string, acknowledgement: Acknowledgement | null): Promise<boolean>;
  /** Resolved ones that fired, newest first by `resolvedAtMs`, which is in [sinceMs, untilMs); filters are ANDed. */
  history(query: AlertHistoryQuery): Promise<{ readonly alerts: Alert[]; readonly total: number }>;
  /** Deletes what resolved before, and what is beyond the newest `keep`; answers how many, at most a few thousand at once. */
  purge(resolvedBeforeMs: number, keep: number): Promise<number>;
}

export interface AlertHistoryQuery {
  readonly ruleId?: string;
  readonly agentId?: string;
  readonly severity?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly limit: number;
  readonly offset: number;
}

export interface SilenceStore {
  all(): Promise<Silence[]>;
  create(fields: SilenceFields, nowMs: number): Promise<Silence>;
  update(id: string, fields: SilenceFields, nowMs: number): Promise<Silence | null>;
  remove(id: string): Promise<boolean>;
}

export interface ChannelStore {
  all(): Promise<Channel[]>;
  /** Null: there is a channel of that name. */
  create(fields: ChannelFields, nowMs: number): Promise<Channel | null>;
  update(id: string, fields: ChannelFields, nowMs: number): Promise<Channel | 'not_found' | 'name_taken'>;
  /** With its groups and its deliveries. */
  remove(id: string): Promise<boolean>;
  /**
   * Makes or changes the channel of that name that comes from the configuration; null fields: removes it. A channel of that name that
   * somebody made gets another name.
   */
  fromSettings(name: string, fields: ChannelFields | null, nowMs: number): Promise<void>;
}

export interface DeliveryStore {
  /** What was told so far. */
  groups(): Promise<NotificationGroup[]>;
  /**
   * The new state of groups (with nothing told as firing: the group is over and forgotten) and what is to be sent for it: in one
   * transaction, so that neither is without the other. What is for a channel that is gone is left out.
   */
  enqueue(groups: readonly NotificationGroup[], deliveries: readonly NewDelivery[]): Promise<void>;
  /** Waiting ones, in the order in which they were made. */
  waiting(limit: number): Promise<WaitingDelivery[]>;
  /** What a waiting one is to tell; null: it does not wait, or is gone. */
  payload(id: string): Promise<string | null>;
  /** After an attempt. What a finished one told is not kept. */
  record(delivery: Delivery): Promise<void>;
  /** Newest first. */
  log(query: { readonly channelId?: string; readonly limit: number }): Promise<LoggedDelivery[]>;
  /** Deletes finished ones from before, and beyond the newest `keep` of each channel; answers how many, at most a few thousand at once. */
  purge(finishedBeforeMs: number, keep: number): Promise<number>;
}

export interface AlertStores {
  readonly rules: AlertRuleStore;
  readonly alerts: AlertStore;
  readonly silences: SilenceStore;
  readonly channels: ChannelStore;
  readonly deliveries: DeliveryStore;
}
