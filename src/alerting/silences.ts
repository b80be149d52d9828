import { Cron } from 'croner';
import type { Silence, SilenceFields } from '../model/alert.js';
import type { Tags } from '../model/metric.js';
import { compileMatchers, type LabelTest } from './matchers.js';

/**
 * Which alerts are silenced, and when. A one-off silence lasts from its start to its end. A recurring one (a maintenance
 * window) opens at every time of its cron expression, as clocks of its time zone show it, for its duration; within its
 * start and end, should it have one. Ranges are half-open: at its end a silence is over.
 */

const NICKNAMES = /^@(yearly|annually|monthly|weekly|daily|hourly)$/i;
const FIVE_FIELDS = /^\S+(\s+\S+){4}$/;

/** Null when the expression and the time zone can be used, else what is wrong. */
export function recurrenceProblem(cron: string, timeZone: string, nowMs: number): string | null {
  if (!isTimeZone(timeZone)) return `"${timeZone}" is no time zone; they are called e.g. UTC or Europe/Berlin`;
  if (!FIVE_FIELDS.test(cron) && !NICKNAMES.test(cron)) {
    return 'a cron expression has five fields: minute, hour, day of the month, month, day of the week, e.g. "0 2 * * 0"';
  }
  try {
    return nextOpening(cron, timeZone, nowMs) === null ? 'this cron expression never comes true' : null;
  } catch (error) {
    return (error as Error).message.replace(/^\w+: /, '');
  }
}

export type SilenceState = 'active' | 'pending' | 'expired';

interface Entry {
  readonly silence: Silence;
  readonly matches: LabelTest;
  readonly window: SilenceWindow;
}

/** Silences as they are asked about: compiled once for a list of them, asked for any number of alerts. */
export class SilenceSet {
  private readonly entries: readonly Entry[];

  /** @param before the list as it was: what is in both (the same object) is not compiled again */
  constructor(silences: readonly Silence[], before: SilenceSet | null = null) {
    const known = new Map(before?.entries.map((entry) => [entry.silence, entry]));
    this.entries = silences.map(
      (silence) => known.get(silence) ?? { silence, matches: compileMatchers(silence.matchers), window: new SilenceWindow(silence) },
    );
  }

  /** How each of them is at that time. Asked for one by one: finding out when a window opens takes up to some milliseconds. */
  *states(nowMs: number): Generator<readonly [Silence, SilenceState]> {
    for (const { silence, window } of this.entries) yield [silence, window.state(nowMs)];
  }

  /** Ids of the silences that keep alerts with these labels quiet at that time. */
  silencing(labels: Tags, nowMs: number): string[] {
    return this.entries.filter((entry) => entry.window.isOpen(nowMs) && entry.matches(labels)).map(({ silence }) => silence.id);
  }

  /** A test for many alerts at one time: what is not active now is not looked at for each of them. */
  at(nowMs: number): LabelTest {
    const active = this.entries.filter((entry) => entry.window.isOpen(nowMs));
    return (labels) => active.some((entry) => entry.matches(labels));
  }
}

/** When a silence is open. Keeps the last opening it computed, because rare ones (29 February) take milliseconds to find. */
export class SilenceWindow {
  private known: { readonly afterMs: number; readonly openingMs: number | null } | null = null;

  constructor(private readonly silence: Pick<SilenceFields, 'startsAtMs' | 'endsAtMs' | 'recurrence'>) {}

  isOpen(nowMs: number): boolean {
    const { startsAtMs, endsAtMs, recurrence } = this.silence;
    if (nowMs < startsAtMs || (endsAtMs !== null && nowMs >= endsAtMs)) return false;
    if (recurrence === null) return true;
    const openingMs = this.openingAfter(nowMs - recurrence.durationMs);
    return openingMs !== null && openingMs <= nowMs;
  }

  /** `pending`: it will be active (again); `expired`: never more. */
  state(nowMs: number): SilenceState {
    if (this.isOpen(nowMs)) return 'active';
    const { startsAtMs, endsAtMs, recurrence } = this.silence;
    if (endsAtMs !== null && nowMs >= endsAtMs) return 'expired';
    if (recurrence === null || nowMs < startsAtMs) return 'pending';
    const openingMs = this.openingAfter(nowMs);
    return openingMs === null || (endsAtMs !== null && openingMs >= endsAtMs) ? 'expired' : 'pending';
  }

  private openingAfter(afterMs: number): number | null {
    const { recurrence } = this.silence;
    if (recurrence === null) return null;
    const { known } = this;
    if (known !== null && afterMs >= known.afterMs && (known.openingMs === null || afterMs < known.openingMs)) return known.openingMs;
    const openingMs = nextOpening(recurrence.cron, recurrence.timeZone, afterMs);
    this.known = { afterMs, openingMs };
    return openingMs;
  }
}

/** The first opening after a time; null: there is none. */
function nextOpening(cron: string, timeZone: string, afterMs: number): number | null {
  return new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true }).nextRun(new Date(afterMs))?.getTime() ?? null;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
