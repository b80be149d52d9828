/** A silence as it is filled in, sent and described. Pure. */
import type { Matcher, Silence } from '../../core/alert-types';
import type { Tags } from '../../core/api-types';
import { formatDuration } from '../../core/units';
import type { FieldErrors } from '../../shared/field-errors';
import { durationField, isoOfLocal, localField, parseSeconds } from './durations';
import { matchersOf } from './matchers';

/** What stands in the fields. */
export interface SilenceForm {
  readonly matchers: readonly Matcher[];
  readonly isRecurring: boolean;
  /** Of the browser's field for local times; empty: from now on. */
  readonly startsAt: string;
  /** How long a one-off lasts; `until`: to the end. */
  readonly duration: string;
  /** As `startsAt`; empty, of a recurring one: no end. */
  readonly endsAt: string;
  readonly cron: string;
  readonly windowDuration: string;
  readonly timeZone: string;
  readonly author: string;
  readonly comment: string;
}

export const UNTIL = 'until';

export const DURATIONS: readonly (readonly [value: string, label: string])[] = [
  ['30m', 'for 30 minutes'],
  ['1h', 'for an hour'],
  ['2h', 'for 2 hours'],
  ['4h', 'for 4 hours'],
  ['8h', 'for 8 hours'],
  ['1d', 'for a day'],
  ['3d', 'for 3 days'],
  ['7d', 'for a week'],
  [UNTIL, 'until …'],
];

export const CRONS: readonly (readonly [cron: string, label: string])[] = [
  ['0 2 * * *', 'every day at 2:00'],
  ['0 22 * * 1-5', 'Monday to Friday at 22:00'],
  ['0 2 * * 0', 'every Sunday at 2:00'],
  ['0 3 1 * *', 'on the first of the month at 3:00'],
];

export const SILENCE_FIELDS: Readonly<Record<string, string>> = {
  matchers: 'What is silenced',
  starts_at: 'The start',
  ends_at: 'The end',
  duration: 'The duration',
  'recurrence.cron': 'The expression',
  'recurrence.duration': 'The duration',
  'recurrence.time_zone': 'The time zone',
  recurrence: 'The recurrence',
  author: 'The name',
  comment: 'The comment',
};

/** To change this silence, or (null) to make one for alerts with these labels. */
export function formOf(silence: Silence | null, labels: Tags | null, author: string, timeZone: string): SilenceForm {
  const { recurrence = null, ends_at = null } = silence ?? {};
  const field = (iso: string | null | undefined): string => (iso === null || iso === undefined ? '' : localField(Date.parse(iso)));
  const given = labels === null ? [] : matchersOf(labels);
  return {
    matchers: silence?.matchers ?? (given.length > 0 ? given : [{ label: '', value: '', is_regex: false, is_equal: true }]),
    isRecurring: recurrence !== null,
    startsAt: field(silence?.starts_at),
    duration: ends_at === null ? '2h' : UNTIL,
    endsAt: field(ends_at),
    cron: recurrence?.cron ?? '0 2 * * 0',
    windowDuration: durationField(recurrence?.duration ?? 7_200),
    timeZone: recurrence?.time_zone ?? timeZone,
    author: silence?.author ?? author,
    comment: silence?.comment ?? '',
  };
}

/** The body of a request. Lines of matchers that were not filled in are left out. */
export function bodyOf(form: SilenceForm): Record<string, unknown> {
  const startsAt = isoOfLocal(form.startsAt);
  const common = {
    matchers: form.matchers.filter(({ label, value }) => label.trim() !== '' || value !== ''),
    ...(startsAt !== null && { starts_at: startsAt }),
    author: form.author.trim(),
    comment: form.comment.trim(),
  };
  if (form.isRecurring) {
    const { cron, windowDuration: duration, timeZone: time_zone } = form;
    return { ...common, ends_at: isoOfLocal(form.endsAt), recurrence: { cron, duration, time_zone } };
  }
  return {
    ...common,
    recurrence: null,
    ...(form.duration === UNTIL ? { ends_at: isoOfLocal(form.endsAt) } : { duration: form.duration }),
  };
}

/** What the server takes, but nobody means: a new silence that is over before it begins. */
export function formErrors({ isRecurring, startsAt, duration, endsAt }: SilenceForm, nowMs: number): FieldErrors {
  const [start, end] = [isoOfLocal(startsAt), isoOfLocal(endsAt)];
  if (isRecurring || start === null) return {};
  const endMs = duration === UNTIL ? Date.parse(end ?? '') : Date.parse(start) + (parseSeconds(duration) ?? Number.NaN) * 1_000;
  return endMs <= nowMs ? { ends_at: 'It would be over already.' } : {};
}

/** `0 2 * * 0 for 2 h (Europe/Berlin)`; null of a one-off. */
export function recurrenceText({ recurrence }: Silence): string | null {
  if (recurrence === null) return null;
  const known = CRONS.find(([cron]) => cron === recurrence.cron)?.[1];
  return `${known ?? recurrence.cron}, for ${formatDuration(recurrence.duration * 1_000)}, ${recurrence.time_zone}`;
}

/** Whether it holds now: a recurring one waits for its next time. */
export function stateText({ state, recurrence }: Silence): string {
  return state === 'expired' ? 'over' : state === 'active' ? 'active' : recurrence === null ? 'to come' : 'waiting';
}

/** What ends it now: an end that is not before its beginning. */
export function endNow({ starts_at }: Silence, nowMs: number): { ends_at: string } {
  return { ends_at: new Date(Math.max(nowMs, Date.parse(starts_at) + 1_000)).toISOString() };
}

const ORDER: readonly Silence['state'][] = ['active', 'pending', 'expired'];

/** Those that are active first, the newest of each state on top. */
export function byState(a: Silence, b: Silence): number {
  return ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.starts_at < b.starts_at ? 1 : -1);
}
