import type { AgentDirectory } from '../model/agent.js';
import type { Events } from '../model/event.js';
import type { Clock } from '../runtime/clock.js';
import type { EventBus } from '../runtime/event-bus.js';
import type { Part } from '../runtime/lifecycle.js';
import type { Logger } from '../runtime/logger.js';
import type { MetricReader } from '../storage/ports.js';
import type { AlertStores } from '../storage/ports/alerts.js';
import { AlertQueries } from './alert-queries.js';
import { defaultRules } from './default-rules.js';
import { Evaluator } from './evaluator.js';
import { RuleService } from './rule-service.js';
import { SilenceService } from './silence-service.js';

export interface AlertingDeps {
  /** False: rules are kept and shown, and nothing is evaluated or told. */
  readonly isEnabled: boolean;
  readonly stores: AlertStores;
  readonly reader: MetricReader;
  readonly agents: AgentDirectory;
  readonly bus: EventBus<Events>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** All of alerting: its parts, in the order in which they start, and what people ask of it. */
export interface Alerting extends Part {
  readonly rules: RuleService;
  readonly silences: SilenceService;
  readonly alerts: AlertQueries;
}

export function createAlerting({ isEnabled, stores, reader, agents, bus, clock, logger }: AlertingDeps): Alerting {
  const evaluator = new Evaluator({ rules: stores.rules, alerts: stores.alerts, reader, agents, bus, clock, logger });
  const silences = new SilenceService({ store: stores.silences, clock });
  const rules = new RuleService({ store: stores.rules, evaluator, clock });
  const alerts = new AlertQueries({ evaluator, history: stores.alerts, silences, clock });
  const parts: Part[] = [silences, ...(isEnabled ? [evaluator] : [])];
  return {
    rules,
    silences,
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
