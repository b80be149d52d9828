import type { GroupKey } from '../model/aggregate.js';
import type { MetricSubject, RuleAggregation } from '../model/alert.js';
import { isAppError } from '../model/errors.js';
import { addToList } from '../model/lists.js';
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, MetricReader, SeriesFilter, SeriesTotals } from '../storage/ports.js';
import { Breather } from './breather.js';
import { aggregateValues, emptyValues, type GroupValues, lastValues, lossScale, percentileValues, type Scan, scanOf } from './columns.js';
import { groupKeys, keyOfAnswer } from './groups.js';
import type { Selection, SelectionQuery, SeriesBook } from './series-book.js';

/** What a rule asks of the samples. Rules that ask the same share the answer. */
export interface Question extends SelectionQuery {
  readonly aggregation: RuleAggregation;
  readonly windowMs: number;
  readonly selectionKey: string;
  /** The same of all that is told apart by the same labels, with the same filter and window. */
  readonly groupingKey: string;
  readonly key: string;
}

/** Every group of a rule as it is now. */
export interface Observation extends GroupValues {
  readonly selection: Selection;
}

export type ObservationReader = Pick<MetricReader, 'aggregate' | 'totals'>;

/** Questions about percentiles of groups that are one series each, and, by their grouping, of groups of several. */
interface PercentileQuestions {
  readonly alone: readonly Question[];
  readonly together: ReadonlyMap<string, readonly Question[]>;
}

interface PercentileScan {
  /** Which column is which. */
  readonly percentiles: readonly number[];
  readonly scan: Scan;
}

interface GroupAnswer {
  readonly percentiles: readonly number[];
  readonly groupBy: readonly GroupKey[];
  /** By metric. */
  readonly byName: ReadonlyMap<string, readonly AggregateGroup[]>;
}

/** Agents' clocks may be ahead by this much: samples further ahead are not stored. */
const MAX_AHEAD_MS = 3_600_000;

export function questionOf(subject: MetricSubject, filter: SelectionQuery['filter']): Question {
  const { metricName, by, aggregation, windowMs } = subject;
  const selectionKey = JSON.stringify([metricName, filter, by]);
  const groupingKey = JSON.stringify([windowMs, by, filter]);
  return { metricName, filter, by, aggregation, windowMs, selectionKey, groupingKey, key: `${windowMs} ${aggregation} ${selectionKey}` };
}

/** 95 of `p95`; null when it is no percentile. */
export function percentileOf(aggregation: RuleAggregation): number | null {
  return aggregation.startsWith('p') ? Number(aggregation.slice(1)) : null;
}

/**
 * What all due rules look at, read once: one query per window, series by series, answers whoever asks for totals and newest values, one
 * more for percentiles. Only percentiles of groups of several series are asked for apart, because they cannot be told from those of
 * their series. The window ends now; samples ahead of the clock are in it. An answer that cannot be had fails only those who need it.
 */
export class Observations {
  private readonly answers = new Map<number, Promise<SeriesTotals>>();
  private readonly scans = new Map<number, Promise<Scan>>();
  private readonly percentileScans = new Map<string, Promise<PercentileScan>>();
  private readonly percentilesAsked = new Map<number, Promise<PercentileQuestions>>();
  private readonly groupAnswers = new Map<string, Promise<GroupAnswer>>();
  private readonly observations = new Map<string, Promise<Observation>>();

  constructor(
    private readonly reader: ObservationReader,
    private book: SeriesBook,
    private readonly questions: readonly Question[],
    private readonly nowMs: number,
  ) {}

  /** Whether samples came of series that the book does not know. Asks what does not depend on the book. */
  async meetsUnknown(): Promise<boolean> {
    let isUnknown = false;
    for (const windowMs of new Set(this.questions.map((one) => one.windowMs))) {
      // An answer that cannot be had is no matter here: who needs it hears of it.
      const totals = await this.totalsIn(windowMs).catch(() => null);
      isUnknown ||= totals?.seriesIds.some((id) => this.book.slotOf(id) === undefined) ?? false;
    }
    return isUnknown;
  }

  /** Goes on with another book; nothing may have been asked of the old one. */
  use(book: SeriesBook): void {
    this.book = book;
  }

  /** The same object for the same question. @throws of storage; AppError `validation_failed` when it is too much to read */
  of(question: Question): Promise<Observation> {
    return remember(this.observations, question.key, () => this.answer(question));
  }

  private async answer(question: Question): Promise<Observation> {
    const { aggregation, windowMs, metricName } = question;
    await this.book.prepare(question);
    const selection = this.book.select(question, question.selectionKey);
    const percentile = percentileOf(aggregation);
    let values: GroupValues;
    if (percentile === null) {
      const scan = await remember(this.scans, windowMs, async () => scanOf(await this.totalsIn(windowMs), this.book));
      values = aggregation === 'last' ? lastValues(selection, scan, metricName) : aggregateValues(selection, scan, aggregation, metricName);
    } else if (selection.isShared) values = await this.percentilesOfGroups(question, selection, percentile);
    else values = await this.percentilesOfSeries(question, selection, percentile);
    return { selection, ...values };
  }

  private totalsIn(windowMs: number): Promise<SeriesTotals> {
    return remember(this.answers, windowMs, () => {
      const names = namesOf(this.questions.filter((one) => one.windowMs === windowMs));
      return this.reader.totals({ filter: { names }, range: this.range(windowMs) });
    });
  }

  private async percentilesOfSeries(question: Question, selection: Selection, percentile: number): Promise<GroupValues> {
    const { windowMs, filter, metricName, selectionKey } = question;
    const { alone } = await this.percentileQuestions(windowMs);
    const { percentiles, scan } = await remember(this.percentileScans, `${windowMs}`, () =>
      this.scanPercentiles(windowMs, { names: namesOf(alone) }, percentilesIn(alone)),
    ).catch((error: unknown) => {
      if (!isAppError(error) || error.code !== 'validation_failed') throw error;
      // All that is asked for is more than may be read at once; what this rule is about may be little.
      const own = { ...filter, names: [metricName] };
      return remember(this.percentileScans, `${percentile} ${windowMs} ${selectionKey}`, () =>
        this.scanPercentiles(windowMs, own, [percentile]),
      );
    });
    return percentileValues(selection, scan, percentiles.indexOf(percentile), metricName);
  }

  private async scanPercentiles(windowMs: number, filter: SeriesFilter, percentiles: readonly number[]): Promise<PercentileScan> {
    const totals = await this.reader.totals({ filter, range: this.range(windowMs), percentiles });
    return { percentiles, scan: scanOf(totals, this.book) };
  }

  private async percentilesOfGroups(question: Question, selection: Selection, percentile: number): Promise<GroupValues> {
    const { by, metricName } = question;
    const { percentiles, groupBy, byName } = await remember(this.groupAnswers, question.groupingKey, () => this.askForGroups(question));
    const values = emptyValues(selection);
    const column = percentiles.indexOf(percentile);
    for (const { labels, percentiles: columns, max, lastMs } of byName.get(metricName) ?? []) {
      const index = selection.indexOf(keyOfAnswer(groupBy, labels, by));
      if (index === undefined) continue;
      values.values[index] = (columns?.[column]?.[0] ?? NaN) / lossScale(metricName, max[0] as number);
      values.newestMs[index] = lastMs;
    }
    return values;
  }

  /** What is told apart by the same labels and has the same filter is asked for at once, whatever metric it is. */
  private async askForGroups({ windowMs, by, filter, groupingKey }: Question): Promise<GroupAnswer> {
    const asked = (await this.percentileQuestions(windowMs)).together.get(groupingKey) ?? [];
    const percentiles = percentilesIn(asked);
    const series = [...new Set(asked.flatMap((one) => this.book.select(one, one.selectionKey)))].flatMap((selection) => selection.series);
    const groupBy = groupKeys(series, by);
    const answer = await this.reader.aggregate({
      filter: { ...filter, names: namesOf(asked) },
      range: this.range(windowMs),
      stepMs: null,
      groupBy: [...groupBy, 'name'],
      wants: { percentiles },
    });
    const byName = new Map<string, AggregateGroup[]>();
    for (const { labels, ...group } of answer) {
      addToList(byName, labels.at(-1) ?? '', { ...group, labels: labels.slice(0, -1) });
    }
    return { percentiles, groupBy, byName };
  }

  private percentileQuestions(windowMs: number): Promise<PercentileQuestions> {
    return remember(this.percentilesAsked, windowMs, async () => {
      const breather = new Breather();
      const alone: Question[] = [];
      const together = new Map<string, Question[]>();
      for (const one of this.questions) {
        if (one.windowMs !== windowMs || percentileOf(one.aggregation) === null) continue;
        if (breather.isDue) await breather.breathe();
        await this.book.prepare(one);
        if (!this.book.select(one, one.selectionKey).isShared) alone.push(one);
        else addToList(together, one.groupingKey, one);
      }
      return { alone, together };
    });
  }

  private range(windowMs: number): TimeRange {
    return { startMs: this.nowMs - windowMs, endMs: this.nowMs + MAX_AHEAD_MS + 1 };
  }
}

function percentilesIn(questions: readonly Question[]): number[] {
  return [...new Set(questions.map(({ aggregation }) => percentileOf(aggregation) as number))].sort((a, b) => a - b);
}

function namesOf(questions: readonly Question[]): string[] {
  return [...new Set(questions.map(({ metricName }) => metricName))].sort();
}

function remember<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  let promise = known.get(key);
  if (promise === undefined) {
    promise = make();
    known.set(key, promise);
  }
  return promise;
}
