/** What an evaluation finds of a rule's groups: of those that are bad or were. Nothing is made of a group that is well and was. Pure. */
import type { AgentSubject, Alert, AlertRule, MetricSubject } from '../model/alert.js';
import type { Agent, AgentDirectory } from '../model/agent.js';
import { configStatus } from '../model/config-state.js';
import { canonicalTags, type Tags } from '../model/metric.js';
import { freshForMs, holds, isBad } from './conditions.js';
import { agentTest, type Group } from './groups.js';
import type { Observation } from './observations.js';
import type { Finding } from './state-machine.js';

export interface GroupLook {
  readonly key: string;
  readonly labels: Tags;
  readonly agentId: string | null;
  /** Null: there was no data. */
  readonly value: number | null;
  readonly unit: string | null;
  readonly finding: Finding;
  readonly mayBegin: boolean;
}

export interface Looks {
  readonly found: readonly GroupLook[];
  /** Alerts whose group is no more, and pending ones that nothing measures any more and that make way for others. */
  readonly gone: readonly Alert[];
  readonly groups: number;
  /** Groups that are bad and for which there was no room. */
  readonly leftOut: number;
  /** Groups that are bad and would begin, if their window held nothing that came late. */
  readonly heldBack: number;
}

export interface LookContext {
  readonly nowMs: number;
  readonly agents: AgentDirectory;
  /** Whether agents have had the time to come back since the start of the server. */
  readonly agentsHaveSettled: boolean;
  /** So many alerts may begin. */
  readonly room: number;
}

/** Of a group's agents: whether one is there, and the newest time of what came late of them; before all times: nothing did. */
interface Standing {
  readonly isThere: boolean;
  readonly lateMs: number;
}

export type ActiveOfRule = ReadonlyMap<string, Alert>;

const USUAL_STALE_MS = 300_000;
const USUAL_SKEW_MS = 30_000;

export function metricLooks(
  subject: MetricSubject,
  { intervalMs }: Pick<AlertRule, 'intervalMs'>,
  observation: Observation,
  active: ActiveOfRule,
  context: LookContext,
): Looks {
  const { selection, values, newestMs } = observation;
  const { groups } = selection;
  const { condition, threshold, noData } = subject;
  const { nowMs } = context;
  const found: GroupLook[] = [];
  const gone: Alert[] = [];
  let heldBack = 0;
  const look = (index: number, finding: Finding, value: number | null, mayBegin: boolean): void => {
    const { key, labels, agentId } = groups[index] as Group;
    found.push({ key, labels, agentId, value, unit: selection.unitOf(index), finding, mayBegin });
  };
  const oldestMs = nowMs - freshForMs(intervalMs);
  const mindsLateFromMs = subject.aggregation === 'last' ? Number.POSITIVE_INFINITY : nowMs - subject.windowMs;
  // What came late may be young by the clock of a rule that is seldom evaluated: it says how it was all the same.
  const isFresh = (index: number, { lateMs }: Standing): boolean => {
    const ms = newestMs[index] as number;
    return ms >= oldestMs && ms > lateMs;
  };
  const mayBegin = (index: number, standing: Standing): boolean => {
    if (!standing.isThere || !isFresh(index, standing)) return false;
    const isHeldBack = standing.lateMs >= mindsLateFromMs;
    heldBack += Number(isHeldBack);
    return !isHeldBack;
  };
  const standingOf = (index: number): Standing => standingOfGroup(selection, index, context.agents);
  const isSilent = (index: number): boolean => selection.someAgent(index, (id) => wasThere(context.agents.find(id), subject, context));

  const beginning: number[] = [];
  // All groups of all rules come by here: nothing is made of those that are well.
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] as number;
    const hasData = !Number.isNaN(value);
    if (hasData ? !holds(condition, value, threshold) : noData !== 'alert') continue;
    if (active.has((groups[index] as Group).key)) continue;
    if (hasData ? mayBegin(index, standingOf(index)) : isSilent(index)) beginning.push(index);
  }
  const unmeasured: { readonly alert: Alert; readonly index: number }[] = [];
  for (const [key, alert] of active) {
    const index = selection.indexOf(key);
    if (index === undefined) {
      gone.push(alert);
      continue;
    }
    const value = values[index] as number;
    const isFiring = alert.state === 'firing';
    if (Number.isNaN(value)) {
      const finding = noData === 'alert' && isSilent(index) ? 'bad' : noData === 'ok' ? 'well' : 'unknown';
      if (finding === 'unknown' && !isFiring) unmeasured.push({ alert, index });
      else look(index, finding, null, finding === 'bad');
      continue;
    }
    const standing = standingOf(index);
    if (isBad(subject, value, isFiring)) {
      // Of an agent that is away nobody knows how long it went on.
      const isKnown = isFiring || standing.isThere || isFresh(index, standing);
      look(index, isKnown ? 'bad' : 'unknown', value, !isFiring && mayBegin(index, standing));
    } else {
      // What was bad slides out of the window of one that has fallen silent, too: that makes it nothing but unknown.
      look(index, isFresh(index, standing) ? 'well' : 'unknown', value, false);
    }
  }
  const begun = beginning.slice(0, context.room + unmeasured.length);
  const leaving = Math.max(begun.length - context.room, 0);
  for (const index of begun) {
    const value = values[index] as number;
    look(index, 'bad', Number.isNaN(value) ? null : value, true);
  }
  for (const [i, { alert, index }] of unmeasured.entries()) {
    if (i < leaving) gone.push(alert);
    else look(index, 'unknown', null, false);
  }
  return { found, gone, groups: groups.length, leftOut: beginning.length - begun.length, heldBack };
}

export function agentLooks(
  subject: AgentSubject,
  { filter }: Pick<AlertRule, 'filter'>,
  active: ActiveOfRule,
  context: LookContext,
): Looks {
  const found: GroupLook[] = [];
  let begun = 0;
  let leftOut = 0;
  let groups = 0;
  const isMeant = agentTest(filter);
  for (const agent of context.agents.all()) {
    if (!isMeant(agent.id, agent)) continue;
    groups += 1;
    const { finding, value } = readAgent(subject, agent, context.nowMs);
    // All agents come by here for every rule: nothing is made of those that are well and were.
    if (finding !== 'bad' && active.size === 0) continue;
    const labels = { agent: agent.id };
    const key = canonicalTags(labels);
    const isAboutPresence = subject.condition === 'disconnected' || subject.condition === 'stale';
    const mayBegin = isAboutPresence ? context.agentsHaveSettled : isConnected(agent);
    const isActive = active.has(key);
    if (!isActive && (finding !== 'bad' || !mayBegin)) continue;
    if (!isActive && begun >= context.room) leftOut += 1;
    else {
      begun += Number(!isActive);
      found.push({ key, labels, agentId: agent.id, value, unit: subject.condition === 'config_failed' ? null : 's', finding, mayBegin });
    }
  }
  const isGone = ({ agentId }: Alert): boolean => {
    const agent = agentId === null ? null : context.agents.find(agentId);
    return agent === null || !isMeant(agent.id, agent);
  };
  return { found, gone: [...active.values()].filter(isGone), groups, leftOut, heldBack: 0 };
}

/** How one agent is. Values are seconds; of a failed configuration its version. */
export function readAgent(subject: AgentSubject, agent: Agent, nowMs: number): { finding: Finding; value: number | null } {
  const unheardMs = Math.max(nowMs - agent.lastSeenMs, 0);
  switch (subject.condition) {
    case 'disconnected':
      return { finding: isConnected(agent) ? 'well' : 'bad', value: wholeSeconds(unheardMs) };
    case 'stale':
      return { finding: unheardMs >= (subject.thresholdMs ?? USUAL_STALE_MS) ? 'bad' : 'well', value: wholeSeconds(unheardMs) };
    case 'clock_skew':
      // What an agent that is away last said of its clock may have been put right since.
      if (agent.clockSkewMs === null || !isConnected(agent)) return { finding: 'unknown', value: null };
      return {
        finding: Math.abs(agent.clockSkewMs) > (subject.thresholdMs ?? USUAL_SKEW_MS) ? 'bad' : 'well',
        value: agent.clockSkewMs / 1_000,
      };
    case 'config_failed':
      return {
        finding: agent.config !== null && configStatus(agent.config) === 'failed' ? 'bad' : 'well',
        value: agent.config?.version ?? null,
      };
  }
  return subject.condition satisfies never;
}

function isConnected(agent: Agent | null): boolean {
  return agent !== null && agent.status !== 'disconnected';
}

/** Whether the agent has been there for the whole window: one that has just come back may not have sent yet. */
function wasThere(agent: Agent | null, { windowMs }: MetricSubject, { nowMs }: LookContext): boolean {
  return isConnected(agent) && nowMs - (agent?.connectedAtMs ?? nowMs) >= windowMs;
}

function standingOfGroup(selection: Observation['selection'], index: number, agents: AgentDirectory): Standing {
  let isThere = false;
  let lateMs = Number.NEGATIVE_INFINITY;
  selection.someAgent(index, (id) => {
    const agent = agents.find(id);
    isThere ||= isConnected(agent);
    lateMs = Math.max(lateMs, agent?.newestLateMs ?? lateMs);
    return false;
  });
  return { isThere, lateMs };
}

function wholeSeconds(ms: number): number {
  return Math.round(ms / 1_000);
}
