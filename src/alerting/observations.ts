import type { MetricSubject, RuleAggregation } from '../model/alert.js';
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, MetricReader, SampleRows } from '../storage/ports.js';
import { Breather } from './breather.js';
import {
  aggregateValues,
  emptyValues,
  type GroupValues,
  lastValues,
  type Newest,
  newestOf,
  readLoss,
  type Totals,
  totalsOf,
} from './columns.js';
import { groupKeys, keyOfAnswer } from './groups.js';
import type { Selection, SelectionQuery, SeriesBook } from './series-book.js';

/** What a rule asks of the samples. Rules that ask the same share the answer. */
export interface Question extends SelectionQuery {
  readonly aggregation: RuleAggregation;
  readonly windowMs: number;
  readonly selectionKey: string;
  readonly key: string;
}

/** Every group of a rule as it is now. */
export interface Observation extends GroupValues {
  readonly selection: Selection;
}

export type ObservationReader = Pick<MetricReader, 'aggregate' | 'latest'>;

/** Agents' clocks may be ahead by this much: samples further ahead are not stored. */
const MAX_AHEAD_MS = 3_600_000;

export function questionOf(subject: MetricSubject, filter: SelectionQuery['filter']): Question {
  const { metricName, by, aggregation, windowMs } = subject;
  const selectionKey = JSON.stringify([metricName, filter, by]);
  return { metricName, filter, by, aggregation, windowMs, selectionKey, key: `${windowMs} ${aggregation} ${selectionKey}` };
}

/** 95 of `p95`; null when it is no percentile. */
export function percentileOf(aggregation: RuleAggregation): number | null {
  return aggregation.startsWith('p') ? Number(aggregation.slice(1)) : null;
}

/**
 * What all due rules look at, read once: one query per window, grouped by series, answers whoever asks for totals, one for newest values,
 * one for percentiles. Only percentiles of groups of several series are asked for apart, because they cannot be told from those of their
 * series. The window ends now; samples ahead of the clock are in it. An answer that cannot be had fails only those who need it.
 */
export class Observations {
  private readonly scans = new Map<string, Promise<readonly AggregateGroup[]>>();
  private readonly newestScans = new Map<number, Promise<SampleRows>>();
  private readonly totals = new Map<number, Promise<Totals>>();
  private readonly newest = new Map<number, Promise<Newest>>();
  private readonly answers = new Map<string, Promise<Observation>>();
  private readonly bySlot = new Map<number, Promise<readonly (AggregateGroup | undefined)[]>>();
  private readonly breather = new Breather();
  private unknown = false;

  constructor(
    private readonly reader: ObservationReader,
    private book: SeriesBook,
    private readonly questions: readonly Question[],
    private readonly nowMs: number,
  ) {}

  /** Whether samples came of series that the book does not know. Asks everything that does not depend on the book. */
  async meetsUnknown(): Promise<boolean> {
    const ofTotals = new Set<number>();
    const ofNewest = new Set<number>();
    const ofPercentiles = new Set<number>();
    for (const { windowMs, aggregation } of this.questions) {
      if (aggregation === 'last') ofNewest.add(windowMs);
      else if (percentileOf(aggregation) === null) ofTotals.add(windowMs);
      else ofPercentiles.add(windowMs);
    }
    for (const windowMs of ofTotals) await this.meet(async () => (await this.totalsScan(windowMs)).map(({ labels }) => Number(labels[0])));
    for (const windowMs of ofNewest) await this.meet(async () => (await this.newestScan(windowMs)).series.map(({ id }) => id));
    for (const windowMs of ofPercentiles) await this.meet(() => this.seriesIn(windowMs));
    return this.unknown;
  }

  /** Goes on with another book; nothing may have been asked of the old one. */
  use(book: SeriesBook): void {
    this.book = book;
    this.unknown = false;
  }

  /** The same object for the same question. @throws of storage; AppError `validation_failed` when it is too much to read */
  of(question: Question): Promise<Observation> {
    return remember(this.answers, question.key, () => this.answer(question));
  }

  private async answer(question: Question): Promise<Observation> {
    const { aggregation, windowMs, metricName } = question;
    await this.book.prepare(question);
    const selection = this.book.select(question, question.selectionKey);
    const percentile = percentileOf(aggregation);
    let values: GroupValues;
    if (percentile !== null) values = await this.percentiles(question, selection, percentile);
    else if (aggregation === 'last') values = lastValues(selection, await this.newestIn(windowMs), metricName);
    else values = aggregateValues(selection, await this.totalsIn(windowMs), aggregation, metricName);
    return { selection, ...values };
  }

  private totalsIn(windowMs: number): Promise<Totals> {
    return remember(this.totals, windowMs, async () => totalsOf(await this.totalsScan(windowMs), this.book, () => this.breathe()));
  }

  private newestIn(windowMs: number): Promise<Newest> {
    return remember(this.newest, windowMs, async () => newestOf(await this.newestScan(windowMs), this.book));
  }

  private totalsScan(windowMs: number): Promise<readonly AggregateGroup[]> {
    return remember(this.scans, `totals ${windowMs}`, () => {
      const asked = this.questions.filter(
        (one) => one.windowMs === windowMs && one.aggregation !== 'last' && percentileOf(one.aggregation) === null,
      );
      const increase = asked.some(({ aggregation }) => aggregation === 'rate' || aggregation === 'increase');
      const filter = { names: namesOf(asked) };
      return this.reader.aggregate({ filter, range: this.range(windowMs), stepMs: null, groupBy: ['series'], wants: { increase } });
    });
  }

  private newestScan(windowMs: number): Promise<SampleRows> {
    return remember(this.newestScans, windowMs, () => {
      const asked = this.questions.filter((one) => one.windowMs === windowMs && one.aggregation === 'last');
      return this.reader.latest({ filter: { names: namesOf(asked) }, range: this.range(windowMs) });
    });
  }

  private async percentiles(question: Question, selection: Selection, percentile: number): Promise<GroupValues> {
    const { windowMs, by, filter, metricName, selectionKey } = question;
    const alike = this.questions.filter((one) => one.windowMs === windowMs && percentileOf(one.aggregation) !== null);
    for (const one of alike) await this.book.prepare(one);
    const isAlone = selection.isShared;
    const asked = isAlone ? alike.filter((one) => one.selectionKey === selectionKey) : alike.filter((one) => !this.isShared(one));
    const percentiles = [...new Set(asked.map((one) => percentileOf(one.aggregation) as number))].sort((a, b) => a - b);
    const groupBy = isAlone ? groupKeys(selection.series, by) : (['series'] as const);
    const answer = await remember(this.scans, `percentiles ${windowMs} ${isAlone ? selectionKey : ''}`, () =>
      this.reader.aggregate({
        filter: isAlone ? { ...filter, names: [metricName] } : { names: namesOf(asked) },
        range: this.range(windowMs),
        stepMs: null,
        groupBy,
        wants: { percentiles },
      }),
    );
    const values = emptyValues(selection);
    const column = percentiles.indexOf(percentile);
    const put = (group: number, { percentiles: columns, lastMs }: AggregateGroup): void => {
      values.values[group] = readLoss(metricName, columns?.[column]?.[0] ?? NaN);
      values.newestMs[group] = lastMs;
    };
    if (isAlone) {
      for (const group of answer) {
        const index = selection.indexOf(keyOfAnswer(groupBy, group.labels, by));
        if (index !== undefined) put(index, group);
      }
      return values;
    }
    const bySlot = await remember(this.bySlot, windowMs, () => Promise.resolve(groupsBySlot(answer, this.book)));
    for (const [i, { slot }] of selection.series.entries()) {
      const group = bySlot[slot];
      if (group !== undefined) put(selection.groupOf[i] as number, group);
    }
    return values;
  }

  private isShared(question: Question): boolean {
    return this.book.select(question, question.selectionKey).isShared;
  }

  private range(windowMs: number): TimeRange {
    return { startMs: this.nowMs - windowMs, endMs: this.nowMs + MAX_AHEAD_MS + 1 };
  }

  /** Series of percentiles: how these are asked for depends on the book. */
  private async seriesIn(windowMs: number): Promise<number[]> {
    const names = namesOf(this.questions.filter((one) => one.windowMs === windowMs && percentileOf(one.aggregation) !== null));
    const groups = await this.reader.aggregate({
      filter: { names },
      range: this.range(windowMs),
      stepMs: null,
      groupBy: ['series'],
      wants: { countsOnly: true },
    });
    return groups.map(({ labels }) => Number(labels[0]));
  }

  /** An answer that cannot be had is no matter here: who needs it hears of it. */
  private async meet(seriesIds: () => Promise<number[]>): Promise<void> {
    const ids = await seriesIds().catch(() => []);
    this.unknown ||= ids.some((id) => this.book.slotOf(id) === undefined);
  }

  private async breathe(): Promise<void> {
    if (this.breather.isDue) await this.breather.breathe();
  }
}

function groupsBySlot(answer: readonly AggregateGroup[], book: SeriesBook): readonly (AggregateGroup | undefined)[] {
  const groups = Array.from<AggregateGroup | undefined>({ length: book.size });
  for (const group of answer) {
    const slot = book.slotOf(Number(group.labels[0]));
    if (slot !== undefined) groups[slot] = group;
  }
  return groups;
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
