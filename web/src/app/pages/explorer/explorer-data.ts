import { computed, DestroyRef, effect, inject, Injectable, signal, untracked } from '@angular/core';
import { Api, type ApiError } from '../../core/api';
import type { ChartAnswer } from '../../core/chart-answer';
import { loadable } from '../../core/loadable';
import { chartQuestion, extended, tailQuestion } from './chart-question';
import { type ExplorerState, NOTHING_CHOSEN } from './explorer-state';

/** The newest bucket is asked for as it fills, but no more often than this, and no less often than that. */
const POLLS_PER_BUCKET = 5;
const MIN_POLL_MS = 2_000;
const MAX_POLL_MS = 10_000;
/** Now and then everything is read again: of what came later than the last buckets nothing is heard otherwise. */
const WHOLE_MS = 5 * 60_000;

/** What is asked for, and how it is drawn does not matter to it. */
type Question = Omit<ExplorerState, 'view' | 'live' | 'hide' | 'only'>;

/** The answer to what the explorer asks, and while it is live the answer growing. One per page. */
@Injectable()
export class ExplorerData {
  private readonly api = inject(Api);
  readonly state = signal<ExplorerState>(NOTHING_CHOSEN);
  private readonly question = computed<Question>(
    () => {
      const { view: _view, live: _live, hide: _hide, only: _only, ...question } = this.state();
      return question;
    },
    { equal: (a, b) => JSON.stringify(a) === JSON.stringify(b) },
  );
  private readonly isLive = computed(() => this.state().live);
  private readonly whole = loadable({
    params: () => (this.question().metrics.length === 0 ? undefined : this.question()),
    load: async (question, abort) => ({
      question,
      answer: await this.api.get<ChartAnswer>('/metrics/chart', chartQuestion({ ...NOTHING_CHOSEN, ...question }), abort),
    }),
    keepsValue: true,
  });
  private readonly grown = signal<{ readonly question: Question; readonly answer: ChartAnswer } | null>(null);
  private readonly tailFailure = signal<ApiError | null>(null);
  /** The newest answer with its question; while another question is on its way, still the old ones. */
  readonly current = computed(() => (this.question().metrics.length === 0 ? undefined : (this.grown() ?? undefined)));
  readonly error = computed(() => this.whole.error() ?? this.tailFailure());
  readonly isLoading = this.whole.isLoading;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private abort: AbortController | null = null;
  private wholeAtMs = 0;

  constructor() {
    effect(() => {
      const value = this.whole.value();
      untracked(() => {
        this.wholeAtMs = Date.now();
        this.grown.set(value ?? null);
        this.tailFailure.set(null);
        this.schedule();
      });
    });
    effect(() => {
      this.question();
      this.isLive();
      untracked(() => {
        this.tailFailure.set(null);
        this.schedule();
      });
    });
    const seen = (): void => this.schedule(document.visibilityState === 'visible' ? 0 : undefined);
    document.addEventListener('visibilitychange', seen);
    inject(DestroyRef).onDestroy(() => {
      document.removeEventListener('visibilitychange', seen);
      this.stop();
    });
  }

  reload(): void {
    this.whole.reload();
  }

  private stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.abort?.abort();
  }

  /** Not while nobody looks, nor while something else is asked for: its answer comes first. */
  private schedule(delayMs?: number): void {
    this.stop();
    const grown = this.grown();
    if (!this.isLive() || grown === null || grown.question !== this.question() || document.visibilityState !== 'visible') return;
    const paceMs = Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, grown.answer.interval_ms / POLLS_PER_BUCKET));
    this.timer = setTimeout(() => void this.poll(), delayMs ?? paceMs);
  }

  private async poll(): Promise<void> {
    const grown = this.grown();
    if (grown === null) return;
    if (Date.now() - this.wholeAtMs > WHOLE_MS) {
      this.whole.reload();
      return;
    }
    const { question, answer } = grown;
    const own = new AbortController();
    this.abort = own;
    try {
      const tail = await this.api.get<ChartAnswer>('/metrics/chart', tailQuestion({ ...NOTHING_CHOSEN, ...question }, answer), own.signal);
      if (own.signal.aborted) return;
      this.grown.set({ question, answer: extended(answer, tail, question.by) });
      this.tailFailure.set(null);
    } catch (failure) {
      if (own.signal.aborted) return;
      this.tailFailure.set(failure as ApiError);
    }
    this.schedule();
  }
}
