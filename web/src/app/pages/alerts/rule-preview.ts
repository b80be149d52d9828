import { ChangeDetectionStrategy, Component, computed, effect, inject, input, output, signal, untracked } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import type { RuleTest } from '../../core/alert-types';
import { Api, type ApiError, type Params } from '../../core/api';
import { loadable } from '../../core/loadable';
import { lasting, parseRange, rangeQuery, type TimeRange } from '../../core/time-range';
import { formatCount, formatDuration, formatValue } from '../../core/units';
import { Chart } from '../../shared/chart';
import { type ChartData, describeLines } from '../../shared/chart-data';
import { Notice } from '../../shared/notice';
import type { Tags } from '../../core/api-types';
import { labelsText, unitOfAggregation } from './alert-words';
import { chartQuestion, type FiredGroup, firedGroups, marksOf, MAX_LINES, MAX_ROWS, testText, union } from './preview-data';
import { type RuleForm, testBodyOf } from './rule-form';

/** Typing has come to rest after this long. */
const REST_MS = 600;
const HEIGHT_PX = 260;
const RANGES: readonly (readonly [text: string, label: string])[] = [
  ['1h', 'in the last hour'],
  ['6h', 'in the last 6 hours'],
  ['1d', 'in the last 24 hours'],
  ['7d', 'in the last 7 days'],
];
const DAY = lasting(86_400_000);

/** As `GET /metrics/chart` answers. */
interface ChartAnswer {
  readonly interval: string;
  readonly interval_ms: number;
  readonly start_ms: number;
  readonly count: number;
  readonly series: readonly {
    readonly agent_id?: string;
    readonly provider?: string;
    readonly region?: string;
    readonly unit: string | null;
    readonly tags?: Tags;
    readonly values: readonly (number | null)[];
  }[];
  readonly totalSeries: number;
  readonly truncated: boolean;
  readonly period: { readonly start: string; readonly end: string };
}

interface Asked {
  readonly test: Record<string, unknown> | null;
  readonly form: RuleForm;
}

/** What a rule that is being filled in would have done of late: its metric with its thresholds, and when it would have fired. */
@Component({
  selector: 'ccv-rule-preview',
  imports: [MatButtonModule, Chart, Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './rule-preview.html',
  styleUrl: './rule-preview.scss',
})
export class RulePreview {
  private readonly api = inject(Api);
  readonly form = input.required<RuleForm>();
  /** Of the metric's samples. */
  readonly unit = input.required<string | null>();
  /** What the server says of the rule as it stands; null: nothing. */
  readonly refused = output<ApiError | null>();

  protected readonly heightPx = HEIGHT_PX;
  protected readonly maxLines = MAX_LINES;
  protected readonly count = formatCount;
  protected readonly duration = formatDuration;
  protected readonly ranges = RANGES;
  protected readonly range = signal('1d');
  private readonly timeRange = computed<TimeRange>(() => parseRange({ range: this.range() }, DAY));
  /** The form as it stood when typing came to rest. */
  private readonly rested = signal<Asked | null>(null);
  /** Labels of the group that is looked at alone. */
  protected readonly focus = signal<FiredGroup | null>(null);

  private readonly testBody = computed(() => this.rested()?.test ?? undefined, { equal: same });
  private readonly question = computed<Params | undefined>(
    () => {
      const form = this.rested()?.form;
      return form === undefined ? undefined : (chartQuestion(form, this.timeRange(), this.focus()?.labels ?? null) ?? undefined);
    },
    { equal: same },
  );
  protected readonly test = loadable({
    params: () => {
      const rule = this.testBody();
      return rule === undefined ? undefined : { rule, ...rangeQuery(this.timeRange()) };
    },
    load: (body, abort) => this.api.post<RuleTest>('/alerts/rules/test', body, abort),
    keepsValue: true,
  });
  protected readonly chart = loadable({
    params: () => this.question(),
    load: (question, abort) => this.api.get<ChartAnswer>('/metrics/chart', question, abort),
    keepsValue: true,
  });
  protected readonly isEnough = computed(() => testBodyOf(this.form()) !== null);
  protected readonly hasChart = computed(() => this.question() !== undefined);
  protected readonly fired = computed(() => {
    const test = this.test.value();
    return test === undefined || this.testBody() === undefined ? [] : firedGroups(test, this.form().condition);
  });
  protected readonly rows = computed(() => this.fired().slice(0, MAX_ROWS));
  /** That nothing matches is said already. */
  protected readonly warning = computed(() => (this.test.value()?.matched === 0 ? null : this.test.value()?.warning));
  protected readonly words = computed(() => {
    const test = this.test.value();
    return test === undefined || this.testBody() === undefined ? '' : testText(test, this.fired());
  });
  protected readonly shownUnit = computed(() => unitOfAggregation(this.form().aggregation, this.unit()));
  protected readonly data = computed<ChartData | null>(() => {
    const answer = this.chart.value();
    if (answer === undefined) return null;
    const fired = this.fired();
    const focus = this.focus();
    const spans = focus === null ? fired.flatMap((group) => group.spans) : (fired.find(({ key }) => key === focus.key)?.spans ?? []);
    const { aggregation } = this.form();
    return {
      timesMs: Array.from({ length: answer.count }, (_, i) => answer.start_ms + i * answer.interval_ms),
      lines: answer.series.map((series) => ({
        label: labelOf(series),
        unit: unitOfAggregation(aggregation, series.unit),
        values: series.values,
      })),
      marks: marksOf(this.form(), this.unit()),
      shades: union(spans),
    };
  });
  protected readonly span = computed(() => {
    const period = this.chart.value()?.period;
    return period === undefined ? undefined : { startMs: Date.parse(period.start), endMs: Date.parse(period.end) };
  });
  protected readonly label = computed(() => `${describeLines(this.form().metricName, this.data()?.lines ?? [])}. ${this.words()}`);
  /** What is said of single fields stands there. */
  protected readonly problem = computed(() => {
    const error = this.test.error();
    return error !== null && error.details.length > 0 ? null : error;
  });

  constructor() {
    effect((onCleanup) => {
      const form = this.form();
      const asked = { test: form.kind === 'metric' ? testBodyOf(form) : null, form };
      const timer = setTimeout(() => this.rested.set(asked), untracked(this.rested) === null ? 0 : REST_MS);
      onCleanup(() => clearTimeout(timer));
    });
    effect(() => this.refused.emit(this.test.error()));
  }

  protected value(value: number | null): string {
    return formatValue(value, this.shownUnit());
  }

  /** Groups that fired then may be others. */
  protected choose(range: string): void {
    this.focus.set(null);
    this.range.set(range);
  }

  protected look(group: FiredGroup): void {
    this.focus.set(this.focus()?.key === group.key ? null : group);
  }
}

function labelOf({ agent_id, provider, region, tags = {} }: ChartAnswer['series'][number]): string {
  const labels = { ...(agent_id !== undefined && { agent: agent_id }), ...tags };
  const text = labelsText(Object.keys(labels).length > 0 ? labels : { ...(provider && { provider }), ...(region && { region }) });
  return text === '–' ? 'all' : text;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
