import type { AgentDirectory } from '../model/agent.js';
import type { Events } from '../model/event.js';
import type { Clock } from '../runtime/clock.js';
import type { EventBus } from '../runtime/event-bus.js';
import type { Part } from '../runtime/lifecycle.js';
import type { Logger } from '../runtime/logger.js';
import type { MetricReader } from '../storage/ports.js';
import type { AlertStores } from '../storage/ports/alerts.js';
import { AlertQueries } from './alert-queries.js';
import { ChannelService } from './channel-service.js';
import { defaultRules } from './default-rules.js';
import { Evaluator } from './evaluator.js';
import { Notifier } from './notify/notifier.js';
import { Sender, type SenderDeps } from './notify/sender.js';
import type { SettingsChannels } from './notify/settings-channels.js';
import { SsrfGuard } from './notify/ssrf-guard.js';
import { RuleService } from './rule-service.js';
import { SilenceService } from './silence-service.js';

export interface AlertingSettings extends SettingsChannels {
  /** False: rules are kept and shown, and nothing is evaluated or told. */
  readonly enabled: boolean;
  /** Channels may send to the server's own network. */
  readonly allowPrivate: boolean;
  readonly smtpUrl: string;
  /** Of the console; null: not known. */
  readonly externalUrl: string | null;
}

export interface AlertingDeps {
  readonly settings: AlertingSettings;
  readonly stores: AlertStores;
  readonly reader: MetricReader;
  readonly agents: AgentDirectory;
  readonly bus: EventBus<Events>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Hears of every attempt to tell a channel. */
  readonly onAttempt: NonNullable<SenderDeps['onAttempt']>;
}

/** All of alerting: its parts, in the order in which they start, and what people ask of it. */
export interface Alerting extends Part {
  readonly rules: RuleService;
  readonly silences: SilenceService;
  readonly channels: ChannelService;
  readonly alerts: AlertQueries;
}

export function createAlerting({ settings, stores, reader, agents, bus, clock, logger, onAttempt }: AlertingDeps): Alerting {
  const evaluator = new Evaluator({ rules: stores.rules, alerts: stores.alerts, reader, agents, bus, clock, logger });
  const silences = new SilenceService({ store: stores.silences, clock });
  const rules = new RuleService({ store: stores.rules, evaluator, reader, clock });
  const alerts = new AlertQueries({ evaluator, history: stores.alerts, silences, clock, isEnabled: settings.enabled });
  const sender: Sender = new Sender({
    deliveries: stores.deliveries,
    channels: () => channels.all(),
    guard: new SsrfGuard(settings.allowPrivate),
    mail: { smtpUrl: settings.smtpUrl, from: settings.emailFrom },
    externalUrl: settings.externalUrl,
    clock,
    logger,
    onAttempt,
  });
  const channels = new ChannelService({
    store: stores.channels,
    deliveries: stores.deliveries,
    settings,
    send: (channel) => sender.test(channel),
    clock,
  });
  const notifier = new Notifier({
    active: () => evaluator.alerts(),
    history: (query) => stores.alerts.history(query),
    silences: () => silences.set,
    channels: () => channels.all(),
    deliveries: stores.deliveries,
    sender,
    clock,
    logger,
  });
  evaluator.onChanged((changed) => notifier.alertsChanged(changed));
  silences.onChanged(() => notifier.alertsChanged());
  // Channels can be tested also while alerts are switched off. The notifier asks the evaluator which alerts there are: what it does not know of is over for it.
  const parts: Part[] = [silences, channels, ...(settings.enabled ? [evaluator, sender, notifier] : [{ stop: () => sender.stop() }])];
  return {
    rules,
    silences,
    channels,
    alerts,
    async start() {
      await stores.rules.createDefaults(defaultRules(), clock.nowMs());
      for (const part of parts) await part.start?.();
    },
    async stop() {
      for (const part of parts.toReversed()) await part.stop?.();
    },
  };
}
