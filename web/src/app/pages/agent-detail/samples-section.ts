import { ChangeDetectionStrategy, Component, computed, DestroyRef, effect, inject, input, signal, untracked } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { Pause, Play } from 'lucide';
import { Api } from '../../core/api';
import type { Metric } from '../../core/api-types';
import { LiveChannel } from '../../core/live-channel';
import { loadable } from '../../core/loadable';
import { Icon } from '../../shared/icon';
import { Notice } from '../../shared/notice';
import { Time } from '../../shared/time';
import { tagsText } from './facts';
import { merged } from './sample-list';
import { explorerOf, valueText } from './series-list';

const LIMIT = 200;
/** What comes is put on the screen together. */
const SHOW_INTERVAL_MS = 1_000;
/** While the live channel is away samples are read. */
const REFRESH_MS = 15_000;

/** The newest samples of an agent as they come; the list stands still on request, and while the pointer is on it. */
@Component({
  selector: 'ccv-samples-section',
  imports: [RouterLink, MatButtonModule, Icon, Notice, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './samples-section.html',
  styleUrl: './section.scss',
})
export class SamplesSection {
  private readonly api = inject(Api);
  private readonly live = inject(LiveChannel);
  readonly agentId = input.required<string>();
  protected readonly limit = LIMIT;
  protected readonly pauseIcon = Pause;
  protected readonly playIcon = Play;
  protected readonly answer = loadable({
    params: () => this.agentId(),
    load: (agentId, abort) => this.api.get<{ metrics: readonly Metric[] }>('/metrics', { agentId, limit: LIMIT }, abort),
    refreshMs: REFRESH_MS,
  });
  protected readonly isPaused = signal(false);
  protected readonly isHeld = signal(false);
  protected readonly shown = signal<readonly Metric[]>([]);
  protected readonly waiting = signal(0);
  protected readonly state = computed(() => {
    if (this.isPaused()) return `Paused, ${this.waiting()} new`;
    if (this.isHeld()) return `Stands still while the pointer is on it, ${this.waiting()} new`;
    return this.live.isLive() ? 'Live' : 'Read every 15 seconds';
  });
  private pending: readonly Metric[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;
  protected readonly tags = tagsText;
  protected readonly value = valueText;
  protected readonly explorer = explorerOf;

  constructor() {
    effect((onCleanup) => {
      const agentId = this.agentId();
      onCleanup(this.live.follow(agentId));
      untracked(() => {
        this.pending = [];
        this.shown.set([]);
      });
    });
    effect(() => {
      const read = this.answer.value()?.metrics;
      if (read !== undefined) untracked(() => this.take(read));
    });
    effect(() => {
      if (!this.isPaused() && !this.isHeld()) untracked(() => this.show());
    });
    const stop = this.live.on('metric_received', (metric) => {
      if (metric.agent_id === this.agentId()) this.take([metric]);
    });
    inject(DestroyRef).onDestroy(() => {
      stop();
      if (this.timer !== null) clearTimeout(this.timer);
    });
  }

  private take(metrics: readonly Metric[]): void {
    this.pending = this.pending.length + metrics.length > 2 * LIMIT ? merged(this.pending, metrics, LIMIT) : [...this.pending, ...metrics];
    // The first ones are not kept waiting.
    this.timer ??= setTimeout(() => this.tick(), this.shown().length === 0 ? 0 : SHOW_INTERVAL_MS);
  }

  private tick(): void {
    this.timer = null;
    if (this.isPaused() || (this.isHeld() && this.shown().length > 0)) this.waiting.set(this.countNew());
    else this.show();
  }

  private show(): void {
    if (this.pending.length > 0) this.shown.set(merged(this.shown(), this.pending, LIMIT));
    this.pending = [];
    this.waiting.set(0);
  }

  private countNew(): number {
    const shown = new Set(this.shown().map(({ id }) => id));
    return merged(this.pending, [], LIMIT).filter(({ id }) => !shown.has(id)).length;
  }
}
