import type { Agent } from './agent.js';
import type { MetricType } from './metric.js';

/** One thing that happened, as the activity feed and the connection history tell it. */
export interface Activity {
  readonly timestampMs: number;
  readonly type: ActivityType;
  readonly agentId: string;
  readonly message: string;
}

export type ActivityType =
  | 'agent_registered'
  | 'agent_connected'
  | 'agent_disconnected'
  | 'agent_status'
  | 'agent_deleted'
  | 'config_changed'
  | 'config_status'
  | 'command';

/** A sample that has just been committed, for those who watch live. */
export interface LiveSample {
  readonly seriesId: number;
  readonly name: string;
  readonly type: MetricType;
  readonly unit: string | null;
  readonly tagsJson: string;
  readonly timestampMs: number;
  readonly value: number;
  /** JSON text of an object value (histogram, timer), or null when the value is the plain number. */
  readonly objectJson: string | null;
}

/** Samples of one agent's batch, on disk. `samples()` is evaluated only when somebody listens. */
export interface SamplesCommitted {
  readonly agentId: string;
  readonly receivedAtMs: number;
  samples(): Iterable<LiveSample>;
}

/** What an agent said about a configuration it was sent. */
export interface ConfigStatusReport {
  readonly agent: Agent;
  readonly version: number;
  readonly status: 'applied' | 'failed';
  readonly error: string | null;
}

/** What an agent said about a command it was sent. */
export interface CommandResultReport {
  readonly agent: Agent;
  readonly commandId: string;
  readonly status: 'ok' | 'failed' | 'refused';
  readonly output: string | null;
  readonly error: string | null;
}

/** What is announced inside the process. Listeners must not throw; they run in the announcer's turn. */
export interface Events {
  agentConnected: Agent;
  /** After the registration was acknowledged; comes with every (re)connect of an agent that registers. */
  agentRegistered: Agent;
  agentDisconnected: Agent;
  agentUpdated: Agent;
  agentDeleted: Agent;
  configStatusReported: ConfigStatusReport;
  commandResultReported: CommandResultReport;
  activity: Activity;
  samplesCommitted: SamplesCommitted;
  systemAlert: SystemAlert;
}

export interface SystemAlert {
  readonly message: string;
  readonly severity: 'info' | 'warning' | 'error';
}
