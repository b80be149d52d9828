/** Which agents somebody should look at, and why. Pure. */
import type { Agent, ConfigState } from '../../core/api-types';
import { formatCount, formatDuration } from '../../core/units';
import { countBy } from './fleet-counts';
import type { RecentErrors } from './health-words';

export interface AttentionItem {
  readonly agentId: string;
  /** Where it is; empty when it did not say. */
  readonly place: string;
  readonly words: string;
  /** Since when, as far as is known; ISO 8601. */
  readonly at: string | null;
}

export type AttentionKind = 'error' | 'disconnected' | 'config' | 'rejected' | 'warning' | 'clock';

/** Agents with the same trouble, the newest trouble first. */
export interface AttentionGroup {
  readonly kind: AttentionKind;
  readonly title: string;
  readonly tone: 'error' | 'warning';
  /** What they have in common, if anything. */
  readonly hint: string;
  /** The agents page's parameters that show just these; null: there are none. */
  readonly query: Readonly<Record<string, string>> | null;
  readonly items: readonly AttentionItem[];
}

/** A clock that is off by less does no harm: charts have buckets of a minute. */
const BIG_SKEW_MS = 60_000;

/** What is wrong in the fleet, worst kind first; kinds of trouble that nobody has are left out. */
export function attentionOf(agents: readonly Agent[], recentErrors: readonly RecentErrors[]): AttentionGroup[] {
  const byId = new Map(agents.map((agent) => [agent.id, agent]));
  const groups: AttentionGroup[] = [
    group('error', 'In error', 'error', {
      items: agents.filter(isInError).map((agent) => item(agent, 'reports an error', agent.updated_at)),
      query: agents.every((agent) => !isInError(agent) || agent.status === 'error') ? { status: 'error' } : null,
    }),
    group('disconnected', 'Disconnected', 'error', {
      items: agents
        .filter(({ status }) => status === 'disconnected')
        .map((agent) => item(agent, agent.health === 'stopped' ? 'said that it stops' : 'last heard of', agent.last_seen)),
      query: { status: 'disconnected' },
      hint: regionsAway(agents),
    }),
    group('config', 'Configuration failed', 'error', {
      items: agents.flatMap((agent) => (agent.config?.status === 'failed' ? [configItem(agent, agent.config)] : [])),
    }),
    group('rejected', 'Metrics rejected in the last hour', 'warning', {
      items: recentErrors.map(({ agent_id, error_count, last_error }) => ({
        agentId: agent_id,
        place: placeOf(byId.get(agent_id)),
        words: `${formatCount(error_count)} rejected; the last: ${last_error}`,
        at: null,
      })),
    }),
    group('warning', 'Warnings', 'warning', {
      items: agents
        .filter(({ health, status }) => health === 'warning' && status === 'connected')
        .map((agent) => item(agent, 'reports a warning', agent.updated_at)),
    }),
    group('clock', 'Wrong clock or late data', 'warning', {
      items: agents
        .filter(({ status, clock_skew_ms: skewMs }) => status === 'connected' && Math.abs(skewMs ?? 0) >= BIG_SKEW_MS)
        .map(skewItem),
    }),
  ];
  return groups.filter(({ items }) => items.length > 0);
}

/** Agents with any trouble; one with two counts once. */
export function countTroubled(groups: readonly AttentionGroup[]): number {
  return new Set(groups.flatMap(({ items }) => items.map(({ agentId }) => agentId))).size;
}

function group(
  kind: AttentionKind,
  title: string,
  tone: AttentionGroup['tone'],
  { items, query = null, hint = '' }: { items: AttentionItem[]; query?: AttentionGroup['query']; hint?: string },
): AttentionGroup {
  return { kind, title, tone, hint, query, items: items.sort(newestFirst) };
}

function newestFirst(a: AttentionItem, b: AttentionItem): number {
  const [atA, atB] = [a.at ?? '', b.at ?? ''];
  return atA === atB ? 0 : atA > atB ? -1 : 1;
}

/** One that is away says nothing any more: that it is away is its trouble. */
function isInError({ status, health }: Agent): boolean {
  return status === 'error' || (health === 'error' && status === 'connected');
}

function item(agent: Agent, words: string, at: string | null): AttentionItem {
  return { agentId: agent.id, place: placeOf(agent), words, at };
}

function configItem(agent: Agent, { desired_version: version, error, attempted_at: at }: ConfigState): AttentionItem {
  return item(agent, `version ${version}: ${error ?? 'no reason given'}`, at);
}

/** The server's clock minus the agent's: positive when the agent's is behind, or while it sends what it could not send before. */
function skewItem(agent: Agent): AttentionItem {
  const skewMs = agent.clock_skew_ms ?? 0;
  return item(
    agent,
    skewMs > 0 ? `clock ${formatDuration(skewMs)} behind, or data that late` : `clock ${formatDuration(-skewMs)} ahead`,
    null,
  );
}

function placeOf(agent: Agent | undefined): string {
  return [agent?.provider, agent?.region].filter(Boolean).join(' / ');
}

/** Regions with several agents of which none is left: that is one trouble, not many. */
function regionsAway(agents: readonly Agent[]): string {
  const away = countBy(agents, 'region').filter(({ name, total, connected }) => name !== '' && total > 1 && connected === 0);
  if (away.length === 0) return '';
  const names = away.slice(0, 3).map(({ name, total }) => `${name} (${formatCount(total)})`);
  const more = away.length > 3 ? ` and ${away.length - 3} more` : '';
  return `Nobody is left in ${names.join(', ')}${more}.`;
}
