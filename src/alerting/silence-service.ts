import type { Silence } from '../model/alert.js';
import { AppError } from '../model/errors.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { Clock } from '../runtime/clock.js';
import type { Part } from '../runtime/lifecycle.js';
import { Turns } from '../runtime/turns.js';
import type { SilenceStore } from '../storage/ports/alerts.js';
import { Breather } from './breather.js';
import { presentMatchers } from './matchers.js';
import { parseSilence } from './silence-body.js';
import { SilenceSet, type SilenceState, SilenceWindow } from './silences.js';

export interface SilenceServiceDeps {
  readonly store: SilenceStore;
  readonly clock: Clock;
}

export type SilenceAnswer = ReturnType<typeof presentSilence>;

const MAX_SILENCES = 1_000;

/** Silences and maintenance windows, as people ask for them; kept in memory, because every alert is held against them. */
export class SilenceService implements Part {
  private readonly silences = new Map<string, Silence>();
  private compiled = new SilenceSet([]);
  private readonly listeners = new Set<() => void>();
  private readonly turns = new Turns();

  constructor(private readonly deps: SilenceServiceDeps) {}

  /** @throws of storage */
  async start(): Promise<void> {
    this.silences.clear();
    for (const silence of await this.deps.store.all()) this.silences.set(silence.id, silence);
    this.compiled = new SilenceSet([...this.silences.values()]);
    // When recurring ones open is found out now, and not while alerts are held against them.
    await this.states();
  }

  async stop(): Promise<void> {
    await this.turns.ended();
  }

  /** As they are now. */
  get set(): SilenceSet {
    return this.compiled;
  }

  /** Hears of every change. The answer unsubscribes. */
  onChanged(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Newest first. */
  async list(): Promise<{ silences: SilenceAnswer[] }> {
    const states = await this.states();
    return {
      silences: states.sort(([a], [b]) => b.createdAtMs - a.createdAtMs).map(([silence, state]) => presentSilence(silence, state)),
    };
  }

  /** @throws AppError `validation_failed`; `conflict` when there are a thousand already */
  create(body: unknown): Promise<SilenceAnswer> {
    return this.turns.take(async () => {
      const { store, clock } = this.deps;
      const fields = parseSilence(body, null, clock.nowMs());
      if (this.silences.size >= MAX_SILENCES) {
        throw new AppError('conflict', `there are ${MAX_SILENCES} silences already: delete some that are over`);
      }
      return this.keep(await store.create(fields, clock.nowMs()));
    });
  }

  /** Changes what is given only. @throws AppError `validation_failed`, `not_found` */
  update(id: string, body: unknown): Promise<SilenceAnswer> {
    return this.turns.take(async () => {
      const { store, clock } = this.deps;
      const current = this.silences.get(id);
      if (current === undefined) throw unknown(id);
      const silence = await store.update(id, parseSilence(body, current, clock.nowMs()), clock.nowMs());
      if (silence === null) throw unknown(id);
      return this.keep(silence);
    });
  }

  /** @throws AppError `not_found` */
  remove(id: string): Promise<{ message: string; id: string }> {
    return this.turns.take(async () => {
      if (!(await this.deps.store.remove(id))) throw unknown(id);
      this.silences.delete(id);
      this.changed();
      return { message: 'silence deleted', id };
    });
  }

  private keep(silence: Silence): SilenceAnswer {
    this.silences.set(silence.id, silence);
    this.changed();
    return presentSilence(silence, new SilenceWindow(silence).state(this.deps.clock.nowMs()));
  }

  private async states(): Promise<(readonly [Silence, SilenceState])[]> {
    const breather = new Breather();
    const states: (readonly [Silence, SilenceState])[] = [];
    for (const state of this.compiled.states(this.deps.clock.nowMs())) {
      states.push(state);
      if (breather.isDue) await breather.breathe();
    }
    return states;
  }

  private changed(): void {
    this.compiled = new SilenceSet([...this.silences.values()], this.compiled);
    for (const listener of this.listeners) listener();
  }
}

function presentSilence(silence: Silence, state: SilenceState) {
  const { recurrence } = silence;
  return {
    id: silence.id,
    matchers: presentMatchers(silence.matchers),
    starts_at: isoTime(silence.startsAtMs),
    ends_at: isoTimeOrNull(silence.endsAtMs),
    recurrence:
      recurrence === null ? null : { cron: recurrence.cron, duration: recurrence.durationMs / 1_000, time_zone: recurrence.timeZone },
    author: silence.author,
    comment: silence.comment,
    state,
    created_at: isoTime(silence.createdAtMs),
    updated_at: isoTime(silence.updatedAtMs),
  };
}

function unknown(id: string): AppError {
  return new AppError('not_found', `there is no silence "${id.slice(0, 100)}"`);
}
