/**
 * What becomes of one group of one rule: pending → firing → resolved. Pure; the truth about time is in here as well.
 *
 * Durations are told by times alone, so that they survive a restart: a group has been pending for `lookedAtMs - startedAtMs`, and well
 * for `lookedAtMs - wellSinceMs`. What goes by between two evaluations counts up to a most, and not below zero; before one that finds
 * nothing out, nothing counts. Where the wall clock says otherwise (it was set, or the server was off), the time since when moves along, so
 * that the difference stays true.
 */

/** A group that is bad, or was and still fires. A group that is well has no state. */
export interface GroupState {
  readonly state: 'pending' | 'firing';
  /** Since when it has been bad; moves with the clock only while pending. */
  readonly startedAtMs: number;
  readonly firingSinceMs: number | null;
  /** Since when a firing group has been well again; null: it is not. */
  readonly wellSinceMs: number | null;
  /** The last evaluation. */
  readonly lookedAtMs: number;
}

/** What an evaluation found; `unknown`: nothing that says whether it is bad or well. */
export type Finding = 'bad' | 'well' | 'unknown';

export interface Look {
  readonly nowMs: number;
  readonly finding: Finding;
  /** Whether the group may become pending, or firing: what was found is news, and its agent is there. */
  readonly mayBegin: boolean;
}

export interface Timing {
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** The most that counts as having gone by since the last look. */
  readonly maxStepMs: number;
}

/** `dropped`: was pending, and is well. `recovering`: well, but goes on firing for a while. `relapsed`: bad again meanwhile. */
export type Transition = 'pending' | 'fired' | 'recovering' | 'relapsed' | 'resolved' | 'dropped';

/** `state` null: nothing is bad, or no longer. */
export interface Step {
  readonly state: GroupState | null;
  readonly transition: Transition | null;
}

const NOTHING: Step = Object.freeze({ state: null, transition: null });

export function step(before: GroupState | null, look: Look, timing: Timing): Step {
  if (before === null) return begin(look, timing);
  const state = passTime(before, look.nowMs, look.finding === 'unknown' ? 0 : timing.maxStepMs);
  if (look.finding === 'unknown') return { state, transition: null };
  return state.state === 'pending' ? ofPending(state, look, timing) : ofFiring(state, look, timing);
}

function begin({ nowMs, finding, mayBegin }: Look, { forMs }: Timing): Step {
  if (finding !== 'bad' || !mayBegin) return NOTHING;
  const pending: GroupState = { state: 'pending', startedAtMs: nowMs, firingSinceMs: null, wellSinceMs: null, lookedAtMs: nowMs };
  return forMs <= 0 ? fire(pending) : { state: pending, transition: 'pending' };
}

function ofPending(state: GroupState, { finding, mayBegin }: Look, { forMs }: Timing): Step {
  if (finding === 'well') return { state: null, transition: 'dropped' };
  return mayBegin && state.lookedAtMs - state.startedAtMs >= forMs ? fire(state) : { state, transition: null };
}

function ofFiring(state: GroupState, { finding }: Look, { keepFiringForMs }: Timing): Step {
  const { wellSinceMs, lookedAtMs } = state;
  if (finding === 'bad') {
    return wellSinceMs === null ? { state, transition: null } : { state: { ...state, wellSinceMs: null }, transition: 'relapsed' };
  }
  if (lookedAtMs - (wellSinceMs ?? lookedAtMs) >= keepFiringForMs) return { state: null, transition: 'resolved' };
  if (wellSinceMs !== null) return { state, transition: null };
  return { state: { ...state, wellSinceMs: lookedAtMs }, transition: 'recovering' };
}

function fire(state: GroupState): Step {
  return { state: { ...state, state: 'firing', firingSinceMs: state.lookedAtMs }, transition: 'fired' };
}

/** The state as of now. What the clock did beyond the step that counts moves the times since when. */
function passTime(state: GroupState, nowMs: number, mostMs: number): GroupState {
  const wallMs = nowMs - state.lookedAtMs;
  const shiftMs = wallMs - Math.min(Math.max(wallMs, 0), mostMs);
  return {
    ...state,
    startedAtMs: state.state === 'pending' ? state.startedAtMs + shiftMs : state.startedAtMs,
    wellSinceMs: state.wellSinceMs === null ? null : state.wellSinceMs + shiftMs,
    lookedAtMs: nowMs,
  };
}
