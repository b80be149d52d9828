/** Which version of its configuration an agent is to run, which one it tried, and which one it runs. Times are Unix milliseconds. */
export interface AgentConfigState {
  /** The version the agent is to run: counts up with every change, also of the targets that apply to it. */
  readonly version: number;
  /** Since when it is to. */
  readonly updatedAtMs: number;
  /** The version the agent last said something of, and what; the Go agents in the field never say anything. */
  readonly attemptedVersion: number | null;
  readonly attemptStatus: 'applied' | 'failed' | null;
  readonly attemptError: string | null;
  readonly attemptedAtMs: number | null;
  /** The version the agent last said it applied, and since when it runs it; null where that was not noted. */
  readonly effectiveVersion: number | null;
  readonly effectiveAtMs: number | null;
}

/** `pending` until the agent said something of the current version. */
export type ConfigStatus = 'pending' | 'applied' | 'failed';

export function configStatus(state: AgentConfigState): ConfigStatus {
  return state.attemptedVersion === state.version ? (state.attemptStatus ?? 'pending') : 'pending';
}

/** The state alone, without what else the object holds. */
export function configStateOf(from: AgentConfigState): AgentConfigState {
  const { version, updatedAtMs, attemptedVersion, attemptStatus, attemptError, attemptedAtMs, effectiveVersion, effectiveAtMs } = from;
  return { version, updatedAtMs, attemptedVersion, attemptStatus, attemptError, attemptedAtMs, effectiveVersion, effectiveAtMs };
}
