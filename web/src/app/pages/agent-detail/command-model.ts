/** The commands agents know, and how a form becomes one. Pure. */
import type { Target } from '../../core/api-types';

export type CommandName = 'ping_now' | 'run_check' | 'report_status' | 'flush' | 'restart_collectors';

export interface CommandKind {
  readonly name: CommandName;
  readonly label: string;
  readonly what: string;
}

export const COMMAND_KINDS: readonly CommandKind[] = [
  {
    name: 'ping_now',
    label: 'Ping now',
    what: 'Pings one ping target of the agent, or all of them. The values come back and are not stored.',
  },
  { name: 'run_check', label: 'Run a check', what: 'Checks one target of any kind. The values come back and are not stored.' },
  { name: 'report_status', label: 'Report status', what: 'Versions, uptime, memory, spool, delivery and collectors.' },
  { name: 'flush', label: 'Flush', what: 'Sends what waits, and answers when it has arrived.' },
  { name: 'restart_collectors', label: 'Restart collectors', what: 'Makes the collectors anew: rates begin again.' },
];

/** As the API answers. */
export interface Command {
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly status: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly completed_at: string | null;
  readonly output: string | null;
  readonly error: string | null;
}

export interface CommandInput {
  readonly name: CommandName;
  readonly type: Target['type'];
  /** Of a ping: empty for all. */
  readonly address: string;
}

/** The arguments to send; or what is missing. */
export function argsOf({ name, type, address }: CommandInput): { readonly args: Record<string, unknown> } | { readonly problem: string } {
  const text = address.trim();
  if (name === 'ping_now') return { args: text === '' ? {} : { target: text } };
  if (name !== 'run_check') return { args: {} };
  if (text === '') return { problem: 'Say which target: it must be one that the agent is configured with' };
  // Targets are written host:port, commands want them apart.
  const [, bracketed, plain, port] = type === 'tcp' || type === 'dns' ? (/^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []) : [];
  return { args: { type, address: bracketed ?? plain ?? text, ...(port !== undefined && { port: Number(port) }) } };
}

/** An agent that says what it obeys has the commands among its capabilities; null when it does not say. */
export function allowedBy(capabilities: readonly string[]): ReadonlySet<string> | null {
  const allowed = COMMAND_KINDS.filter(({ name }) => capabilities.includes(name)).map(({ name }) => name);
  // Only agents that can be configured are known to tell.
  return allowed.length > 0 || capabilities.includes('config_update') ? new Set(allowed) : null;
}

/** Targets of a kind to choose from: the agent's own, and those that apply to it. */
export function suggestionsFor(type: Target['type'], agentId: string, config: unknown, targets: readonly Target[]): string[] {
  const lists = (config as { targets?: Partial<Record<string, unknown>> } | null)?.targets;
  const own = lists?.[type];
  const applying = targets
    .filter((target) => target.enabled && target.type === type && (target.agent_ids.length === 0 || target.agent_ids.includes(agentId)))
    .map(({ address, port }) => (port === null ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`));
  return [...new Set([...(Array.isArray(own) ? own.map(String) : []), ...applying])].sort();
}

/** `target=8.8.8.8`; empty without arguments. */
export function argsText(args: Readonly<Record<string, unknown>>): string {
  return Object.entries(args)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** What came back, laid out when it is JSON. */
export function outputText(output: string): string {
  try {
    const value: unknown = JSON.parse(output);
    return typeof value === 'object' && value !== null ? JSON.stringify(value, null, 2) : output;
  } catch {
    return output;
  }
}
