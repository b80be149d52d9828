import type { Agent } from '../model/agent.js';
import type { ActivityType, Events } from '../model/event.js';
import type { Clock } from '../runtime/clock.js';
import type { EventBus } from '../runtime/event-bus.js';
import type { ActivityStore } from '../storage/ports.js';

export interface ActivityDeps {
  readonly activities: Pick<ActivityStore, 'record'>;
  readonly bus: EventBus<Events>;
  readonly clock: Clock;
}

/** Adds to the activity feed and announces it. */
export function noteActivity({ activities, bus, clock }: ActivityDeps, type: ActivityType, agent: Agent, message: string): void {
  const activity = { timestampMs: clock.nowMs(), type, agentId: agent.id, message };
  activities.record(activity, agent.agentKey);
  bus.emit('activity', activity);
}
