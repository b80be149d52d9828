import { ChangeDetectionStrategy, Component, computed, DestroyRef, inject, linkedSignal, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../core/api';
import type { Activity } from '../../core/api-types';
import { Clock } from '../../core/clock';
import { loadable } from '../../core/loadable';
import { LiveChannel } from '../../core/live-channel';
import { Notice } from '../../shared/notice';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { liveActivity, mergeActivity, toneWord } from './feed';

const LIMIT = 50;
const REFRESH_MS = 30_000;
/** The server's own words for what came live, a moment later; many at once are asked for once. */
const READ_AGAIN_MS = 2_000;
/** A whole fleet that comes back is shown together. */
const SHOW_MS = 500;

/**
 * What happened lately: read, and agents that come and go at once. Rows stay where they are and change what they say;
 * nothing changes while the pointer or the focus is in it.
 */
@Component({
  selector: 'ccv-activity-feed',
  imports: [RouterLink, Notice, Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './activity-feed.html',
  styleUrl: './activity-feed.scss',
})
export class ActivityFeed {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);
  private readonly live = signal<readonly Activity[]>([]);
  private waiting: Activity[] = [];
  private showing: ReturnType<typeof setTimeout> | null = null;
  private reading: ReturnType<typeof setTimeout> | null = null;

  protected readonly feed = loadable({
    params: () => ({ limit: LIMIT }),
    load: (params, abort) => this.api.get<{ activity: Activity[] }>('/dashboard/activity', params, abort),
    refreshMs: REFRESH_MS,
    keepsValue: true,
  });
  protected readonly isHeld = signal(false);
  private readonly newest = computed(() => mergeActivity(this.feed.value()?.activity ?? [], this.live(), LIMIT));
  protected readonly entries = linkedSignal<{ newest: Activity[]; isHeld: boolean }, readonly Activity[]>({
    source: () => ({ newest: this.newest(), isHeld: this.isHeld() }),
    computation: ({ newest, isHeld }, previous) => (isHeld && previous !== undefined ? previous.value : newest),
  });
  protected readonly toneWord = toneWord;

  constructor() {
    const channel = inject(LiveChannel);
    const stops = (['agent_connected', 'agent_disconnected'] as const).map((type) =>
      channel.on(type, (agent) => {
        this.waiting.push(liveActivity(type, agent, this.clock.now()));
        this.showing ??= setTimeout(() => this.show(), SHOW_MS);
        this.reading ??= setTimeout(() => this.read(), READ_AGAIN_MS);
      }),
    );
    inject(DestroyRef).onDestroy(() => {
      for (const stop of stops) stop();
      for (const timer of [this.showing, this.reading]) if (timer !== null) clearTimeout(timer);
    });
  }

  private show(): void {
    this.showing = null;
    this.live.update((live) => [...this.waiting.reverse(), ...live].slice(0, LIMIT));
    this.waiting = [];
  }

  private read(): void {
    this.reading = null;
    this.feed.reload();
  }
}
