import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { ChartLine, ChevronLeft, ChevronRight } from 'lucide';
import type { Alert, AlertHistoryAnswer, Rule } from '../../core/alert-types';
import { Api } from '../../core/api';
import { AgentStore } from '../../core/agent-store';
import { loadable } from '../../core/loadable';
import { lasting, parseRange, rangeParams, rangeQuery, type TimeRange } from '../../core/time-range';
import { formatCount, formatDuration, formatValue } from '../../core/units';
import { Icon } from '../../shared/icon';
import { Listing } from '../../shared/listing';
import { Notice } from '../../shared/notice';
import { Picker } from '../../shared/picker';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { TimeRangePicker } from '../../shared/time-range-picker';
import { explorerParams, nameOf, reasonText, SEVERITIES, sinceOf, summaryOf, unitOfRule } from './alert-words';
import { LabelList } from './label-list';

const WEEK = lasting(7 * 86_400_000);
const PAGE = 50;
const REFRESH_MS = 30_000;

/** What fired and is over, the last one first. */
@Component({
  selector: 'ccv-history-section',
  imports: [RouterLink, MatButtonModule, Icon, LabelList, Listing, Notice, Picker, Status, Time, TimeRangePicker],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './history-section.html',
  styleUrl: '../../shared/section.scss',
  styles: `
    ccv-picker {
      width: 220px;
    }
    .tools {
      align-items: end;
    }
  `,
})
export class HistorySection {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly store = inject(AgentStore);

  /** Of the address. */
  readonly severity = input<string>();
  readonly rule = input<string>();
  readonly agent = input<string>();
  readonly range = input<string>();
  readonly from = input<string>();
  readonly to = input<string>();
  readonly offset = input<string>();

  protected readonly icons = { ChartLine, ChevronLeft, ChevronRight };
  protected readonly severities = SEVERITIES;
  protected readonly count = formatCount;
  protected readonly sinceOf = sinceOf;

  protected readonly timeRange = computed(() =>
    parseRange({ range: this.range() ?? null, from: this.from() ?? null, to: this.to() ?? null }, WEEK),
  );
  private readonly start = computed(() => Math.max(0, Math.floor(Number(this.offset() ?? 0)) || 0));
  protected readonly list = loadable({
    params: () => ({
      severity: this.severity(),
      rule_id: this.rule(),
      agent_id: this.agent(),
      ...rangeQuery(this.timeRange()),
      limit: PAGE,
      offset: this.start(),
    }),
    load: (params, abort) => this.api.get<AlertHistoryAnswer>('/alerts/history', params, abort),
    refreshMs: REFRESH_MS,
    keepsValue: true,
  });
  private readonly ruleList = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<{ rules: readonly Rule[] }>('/alerts/rules', {}, abort),
  });
  protected readonly rules = computed(() => this.ruleList.value()?.rules ?? []);
  protected readonly agents = computed(() =>
    this.store
      .agents()
      .map(({ id, provider, region }) => ({ value: id, hint: [provider, region].filter((part) => part !== '').join(' · ') })),
  );
  protected readonly chosenAgent = computed(() => (this.agent() === undefined ? [] : [this.agent() as string]));
  protected readonly rows = computed(() => {
    const rules = new Map(this.rules().map((rule) => [rule.id, rule]));
    return (this.list.value()?.alerts ?? []).map((alert) => {
      const rule = rules.get(alert.rule_id);
      return {
        alert,
        name: nameOf(alert),
        isKnown: rule !== undefined,
        summary: summaryOf(alert.annotations),
        value: formatValue(alert.value, unitOfRule(rule)),
        lasted: lastedText(alert),
        // That it is well again is how it should be.
        reason: alert.resolved_reason === 'recovered' ? '' : reasonText(alert.resolved_reason),
        explorer: explorerParams(alert, rule, Date.parse(alert.updated_at)),
      };
    });
  });
  protected readonly pages = computed(() => {
    const pagination = this.list.value()?.pagination;
    if (pagination === undefined) return null;
    const first = pagination.offset + 1;
    const last = pagination.offset + this.rows().length;
    return { first, last, total: pagination.total ?? last, hasMore: pagination.hasMore, hasLess: pagination.offset > 0 };
  });

  protected filter(params: Record<string, string | null>): void {
    const queryParams = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value === '' ? null : value]));
    void this.router.navigate([], { queryParams: { offset: null, ...queryParams }, queryParamsHandling: 'merge' });
  }

  protected choose(range: TimeRange): void {
    this.filter(rangeParams(range));
  }

  protected turn(by: 1 | -1): void {
    const to = Math.max(0, this.start() + by * PAGE);
    this.filter({ offset: to === 0 ? null : String(to) });
  }
}

function lastedText(alert: Alert): string {
  return alert.resolved_at === null ? '–' : formatDuration(Math.max(0, Date.parse(alert.resolved_at) - Date.parse(sinceOf(alert))));
}
