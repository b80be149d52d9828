import { ChangeDetectionStrategy, Component, computed, inject, input, linkedSignal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { Api } from '../../core/api';
import type { Pagination } from '../../core/api-types';
import { loadable } from '../../core/loadable';
import { formatCount, unitSymbol } from '../../core/units';
import { addressSearch } from '../../shared/address-search';
import { Notice } from '../../shared/notice';
import { Time } from '../../shared/time';
import { tagsText } from './facts';
import { explorerOf, matching, type SeriesRow, valueText } from './series-list';

const MAX_SERIES = 10_000;
/** Rows that are drawn; more when asked for. */
const STEP = 200;
const REFRESH_MS = 30_000;

/** What an agent measures, one row per series, each with its newest value. */
@Component({
  selector: 'ccv-series-section',
  imports: [RouterLink, MatButtonModule, Notice, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './series-section.html',
  styleUrl: './section.scss',
})
export class SeriesSection {
  private readonly api = inject(Api);
  readonly agentId = input.required<string>();
  protected readonly searched = addressSearch();
  protected readonly answer = loadable({
    params: () => this.agentId(),
    load: (agentId, abort) =>
      this.api.get<{ series: readonly SeriesRow[]; pagination: Pagination }>(
        '/metrics/series',
        { agentId, latest: true, limit: MAX_SERIES },
        abort,
      ),
    refreshMs: REFRESH_MS,
  });
  protected readonly found = computed(() => matching(this.answer.value()?.series ?? [], this.searched.words()));
  private readonly shownCount = linkedSignal({ source: () => `${this.agentId()} ${this.searched.words()}`, computation: () => STEP });
  protected readonly rows = computed(() => this.found().slice(0, this.shownCount()));
  protected readonly summary = computed(() => {
    const total = this.answer.value()?.pagination.total ?? this.answer.value()?.series.length ?? 0;
    const found = this.found().length;
    return found === total ? `${formatCount(total)} series` : `${formatCount(found)} of ${formatCount(total)} series`;
  });
  protected readonly step = STEP;
  protected readonly tags = tagsText;
  protected readonly value = valueText;
  protected readonly symbol = unitSymbol;
  protected readonly explorer = explorerOf;

  protected more(): void {
    this.shownCount.update((count) => count + STEP);
  }
}
