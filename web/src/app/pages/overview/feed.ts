/** The activity feed: what the server remembers, and what came over the live channel since. Pure. */
import type { Activity, Agent } from '../../core/api-types';

/** The same thing is told twice, by the live channel and by the feed itself, and not at the same millisecond. */
const SAME_WITHIN_MS = 15_000;
/** An agent's first connection is told as two things. */
const FIRST_WITHIN_MS = 2_000;

/** An agent's coming or going, as the feed will tell it in a moment. */
export function liveActivity(type: 'agent_connected' | 'agent_disconnected', agent: Agent, nowMs: number): Activity {
  const at = type === 'agent_connected' ? agent.connected_at : null;
  return {
    timestamp: at ?? new Date(nowMs).toISOString(),
    type,
    agent_id: agent.id,
    message: type === 'agent_connected' ? 'Agent connected' : 'Agent disconnected',
  };
}

/** Newest first, at most `limit`: what was read, and on top of it what has come live and was not in it yet. */
export function mergeActivity(read: readonly Activity[], live: readonly Activity[], limit: number): Activity[] {
  const known = timesBy(read);
  const news = live.filter((entry) => !isNear(known, entry, entry.type, SAME_WITHIN_MS));
  const firsts = timesBy(read.filter(({ type }) => type === 'agent_registered'));
  return [...news, ...read]
    .filter((entry) => entry.type !== 'agent_connected' || !isNear(firsts, entry, 'agent_registered', FIRST_WITHIN_MS))
    .sort((a, b) => (a.timestamp === b.timestamp ? 0 : a.timestamp > b.timestamp ? -1 : 1))
    .slice(0, limit);
}

/** What kind of news it is, as a word that <ccv-status> has a mark for. */
export function toneWord({ type, message }: Activity): string {
  switch (type) {
    case 'agent_connected':
    case 'agent_registered':
      return 'connected';
    case 'agent_disconnected':
      return 'error';
    case 'agent_status':
    case 'config_status':
    case 'command':
      return /error|failed|refused/i.test(message) ? 'error' : /warning/i.test(message) ? 'warning' : 'neutral';
    default:
      return 'neutral';
  }
}

function keyOf(agentId: string, type: string): string {
  return `${type} ${agentId}`;
}

function timesBy(entries: readonly Activity[]): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const { agent_id, type, timestamp } of entries) {
    const key = keyOf(agent_id, type);
    const known = times.get(key);
    if (known === undefined) times.set(key, [Date.parse(timestamp)]);
    else known.push(Date.parse(timestamp));
  }
  return times;
}

function isNear(times: ReadonlyMap<string, number[]>, entry: Activity, type: string, withinMs: number): boolean {
  const atMs = Date.parse(entry.timestamp);
  return (times.get(keyOf(entry.agent_id, type)) ?? []).some((ms) => Math.abs(ms - atMs) <= withinMs);
}
