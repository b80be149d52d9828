import type { GroupKey } from '../model/aggregate.js';
import type { MetricSubject, RuleAggregation } from '../model/alert.js';
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, MetricReader, SeriesTotals } from '../storage/ports.js';
import { aggregateValues, emptyValues, type GroupValues, lastValues, percentileValues, readLoss, type Scan, scanOf } from './columns.js';
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

export type ObservationReader = Pick<MetricReader, 'aggregate' | 'totals'>;

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
  return { metricName, filter, by, aggregation, windowMs, selectionKey, key: `${windowMs} ${aggregation} ${selectionKey}` };
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
  private readonly percentileScans = new Map<number, Promise<PercentileScan>>();
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

  private async percentilesOfSeries({ windowMs, metricName }: Question, selection: Selection, percentile: number): Promise<GroupValues> {
    const { percentiles, scan } = await remember(this.percentileScans, windowMs, async () => {
      const asked = await this.percentileQuestions(windowMs, false);
      const query = { filter: { names: namesOf(asked) }, range: this.range(windowMs), percentiles: percentilesIn(asked) };
      return { percentiles: query.percentiles, scan: scanOf(await this.reader.totals(query), this.book) };
    });
    return percentileValues(selection, scan, percentiles.indexOf(percentile), metricName);
  }

  private async percentilesOfGroups(question: Question, selection: Selection, percentile: number): Promise<GroupValues> {
    const { by, metricName } = question;
    const key = placeOf(question);
    const { percentiles, groupBy, byName } = await remember(this.groupAnswers, key, () => this.askForGroups(question, key));
    const values = emptyValues(selection);
    const column = percentiles.indexOf(percentile);
    for (const { labels, percentiles: columns, lastMs } of byName.get(metricName) ?? []) {
      const index = selection.indexOf(keyOfAnswer(groupBy, labels, by));
      if (index === undefined) continue;
      values.values[index] = readLoss(metricName, columns?.[column]?.[0] ?? NaN);
      values.newestMs[index] = lastMs;
    }
    return values;
  }

  /** What is told apart by the same labels and has the same filter is asked for at once, whatever metric it is. */
  private async askForGroups({ windowMs, by, filter }: Question, key: string): Promise<GroupAnswer> {
    const asked = (await this.percentileQuestions(windowMs, true)).filter((one) => placeOf(one) === key);
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
      const name = labels.at(-1) ?? '';
      const own = { ...group, labels: labels.slice(0, -1) };
      const others = byName.get(name);
      if (others === undefined) byName.set(name, [own]);
      else others.push(own);
    }
    return { percentiles, groupBy, byName };
  }

  /** Those about groups of several series, or of one series each. */
  private async percentileQuestions(windowMs: number, isShared: boolean): Promise<Question[]> {
    const questions = this.questions.filter((one) => one.windowMs === windowMs && percentileOf(one.aggregation) !== null);
    for (const one of questions) await this.book.prepare(one);
    return questions.filter((one) => this.book.select(one, one.selectionKey).isShared === isShared);
  }

  private range(windowMs: number): TimeRange {
    return { startMs: this.nowMs - windowMs, endMs: this.nowMs + MAX_AHEAD_MS + 1 };
  }
}

function placeOf({ windowMs, by, filter }: Question): string {
  return JSON.stringify([windowMs, by, filter]);
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
