import { AppError } from '../../../model/errors.js';
import { addToList } from '../../../model/lists.js';
import type { TimeRange } from '../../../model/metric.js';
import { AggregateLimitError, Aggregator } from '../../engine/aggregate.js';
import { Grouping } from '../../engine/grouping.js';
import type { PartialAggregate } from '../../engine/partial-aggregate.js';
import type { FoldPart, SampleFold } from '../../engine/sample-fold.js';
import { SeriesTotalsFold, type TotalsPart } from '../../engine/series-totals.js';
import type { AggregateGroup, AggregateQuery, GroupKey, SeriesTotals, TotalsQuery } from '../../ports.js';
import { isRawGone } from '../units/day-tiers.js';
import { TIER, type UnitRow } from '../units/unit-rows.js';
import { AnswerParts } from './answer-parts.js';
import { rollupFor } from './rollup-choice.js';
import type { SegmentReader } from './segment-reader.js';
import type { Segment, Segments } from './segments.js';
import type { AgentSlots, SeriesFinder, SeriesLookup } from './series-lookup.js';
import { DAY_MS, type StoredDays } from './stored-days.js';

const HOUR_MS = 3_600_000;
/** Of one lookup: there are as many as ways of grouping. */
const MAX_GROUPINGS = 16;
const ALL_TIERS = Object.values(TIER);

/** One agent's stretch of time, told by a unit or by what the log has. No two of an agent overlap. */
interface Piece {
  readonly startMs: number;
  readonly endMs: number;
  /** The unit that tells all of it; null when others have a part in it. */
  readonly unitId: number | null;
  fold(into: Pick<SampleFold<never>, 'add' | 'addRollup'>): void;
}

/** A question as far as the way to its answer is concerned. */
type Asked = Pick<AggregateQuery, 'range' | 'stepMs' | 'wants'>;

/** What is asked, and how a stretch of time that makes a part of the answer is folded and found again. */
interface Folding<Part extends FoldPart> {
  readonly asked: Asked;
  /** Null: nobody will ask it again. */
  readonly question: string | null;
  readonly parts: AnswerParts<Part>;
  readonly foldOf: (range: TimeRange) => SampleFold<Part>;
}

/**
 * Answers aggregations. Each agent's day is told by its raw samples, or by a rollup: where the samples had their time, or
 * where a rollup says the same of a whole day with less to decode. Never by both. (Late samples of a day whose rollups are
 * all there is count once they are folded into those.) Must run within one read transaction.
 */
export class AggregateReader {
  private readonly parts = new AnswerParts<PartialAggregate>();
  private readonly totalsParts = new AnswerParts<TotalsPart>();
  /** As long as the series finder keeps a lookup. */
  private readonly groupings = new WeakMap<SeriesLookup, Map<string, Grouping>>();

  constructor(
    private readonly series: SeriesFinder,
    private readonly days: StoredDays,
    private readonly segments: Segments,
    private readonly reader: SegmentReader,
  ) {}

  /** @throws AppError `query_timeout`; `validation_failed` when the answer would be too large or the samples it needs are gone */
  aggregate(query: AggregateQuery): AggregateGroup[] {
    this.reader.startTimer();
    const lookup = this.series.lookUp(query.filter);
    const { range, stepMs, groupBy, wants } = query;
    const grouping = this.groupingOf(lookup, groupBy);
    const foldOf = (part: TimeRange): Aggregator => new Aggregator(lookup.infos, part, stepMs, grouping, wants);
    const question = lookup.version === null ? null : JSON.stringify([lookup.version, stepMs, groupBy, wants]);
    const aggregator = foldOf(range);
    this.foldAll(lookup, aggregator, { asked: query, question, parts: this.parts, foldOf });
    return aggregator.result();
  }

  /** As `aggregate` by series, in one bucket. @throws as `aggregate` */
  totals({ filter, range, percentiles }: TotalsQuery): SeriesTotals {
    this.reader.startTimer();
    const lookup = this.series.lookUp(filter);
    const asked: Asked = { range, stepMs: null, ...(percentiles !== undefined && { wants: { percentiles } }) };
    const foldOf = (part: TimeRange): SeriesTotalsFold => new SeriesTotalsFold(lookup.infos, part, percentiles ?? null);
    const totals = foldOf(range);
    const question = lookup.version === null ? null : String(lookup.version);
    this.foldAll(lookup, totals, { asked, question, parts: this.totalsParts, foldOf });
    return totals.result();
  }

  private foldAll<Part extends FoldPart>(lookup: SeriesLookup, into: SampleFold<Part>, folding: Folding<Part>): void {
    try {
      for (const day of this.days.within(folding.asked.range, 'ascending', ALL_TIERS)) {
        for (const pieces of inOrder(this.pieces(day, lookup, folding.asked))) this.fold(pieces, into, folding);
      }
    } catch (error) {
      if (!(error instanceof AggregateLimitError)) throw error;
      throw new AppError('validation_failed', error.message);
    }
  }

  /** Pieces of the same stretch of time: such as units tell wholly are folded once for all who ask the same of them. */
  private fold<Part extends FoldPart>(
    pieces: readonly Piece[],
    into: SampleFold<Part>,
    { asked, question, parts, foldOf }: Folding<Part>,
  ): void {
    const { startMs, endMs } = pieces[0] as Piece;
    const lasting = isPart(startMs, endMs, asked) ? pieces.filter(({ unitId }) => unitId !== null) : [];
    // Of a single unit the units' own cache is enough.
    if (question === null || lasting.length < 2) {
      for (const piece of pieces) piece.fold(into);
      return;
    }
    const key = `${question} ${startMs} ${endMs}`;
    const unitIds = lasting.map(({ unitId }) => unitId as number);
    let part = parts.find(key, unitIds);
    if (part === null) {
      const own = foldOf({ startMs, endMs });
      for (const piece of lasting) piece.fold(own);
      part = own.partial();
      parts.add(key, unitIds, part);
    }
    into.addPartial(part);
    for (const piece of pieces) if (piece.unitId === null) piece.fold(into);
  }

  private groupingOf(lookup: SeriesLookup, groupBy: readonly GroupKey[]): Grouping {
    const key = JSON.stringify(groupBy);
    let known = this.groupings.get(lookup);
    if (known === undefined) this.groupings.set(lookup, (known = new Map<string, Grouping>()));
    let grouping = known.get(key);
    if (grouping === undefined) {
      grouping = new Grouping(lookup.infos, groupBy);
      if (known.size < MAX_GROUPINGS) known.set(key, grouping);
    }
    return grouping;
  }

  private pieces(day: TimeRange, lookup: SeriesLookup, query: Asked): Piece[] {
    const rollups = this.segments.rollups(day, lookup);
    const segments = this.segments.within(day, lookup);
    const pieces: Piece[] = [];
    for (const [agentKey, slots] of lookup.agents) {
      const own = segments.get(agentKey) ?? [];
      const known = rollups.get(agentKey);
      if (
        known !== undefined &&
        isRawGone(
          known,
          own.map(({ unit }) => unit),
        )
      ) {
        const { unit, reason } = rollupFor(known, day, query);
        if (unit !== null) pieces.push(this.ofRollup(unit, slots, day));
        else this.refuse(known.fiveMinutes ?? known.oneHour, slots, day, reason);
      } else if (known?.oneHour && saysTheSame(own, day, query)) {
        pieces.push(this.ofRollup(known.oneHour, slots, day));
      } else {
        for (const segment of own) pieces.push(this.ofSegment(segment, day, query));
      }
    }
    return pieces;
  }

  private ofRollup(unit: UnitRow, slots: AgentSlots, day: TimeRange): Piece {
    return {
      startMs: unit.startMs,
      endMs: unit.startMs + unit.spanMs,
      unitId: unit.id,
      fold: (into) => this.reader.readRollup(unit, slots, day, (slot, startMs, row) => into.addRollup(slot, startMs, row)),
    };
  }

  /** Columns that lie in one bucket as a whole are told by what their unit's directory says of them; others are read. */
  private ofSegment(segment: Segment, day: TimeRange, { stepMs, wants }: Asked): Piece {
    const { unit, startMs, batchIds } = segment;
    const endMs = startMs + (unit?.spanMs ?? HOUR_MS);
    const inOneBucket =
      wants?.percentiles === undefined && (stepMs === null || Math.floor(startMs / stepMs) === Math.floor((endMs - 1) / stepMs));
    return {
      startMs,
      endMs,
      unitId: batchIds.length === 0 && unit !== null ? unit.id : null,
      fold: (into) =>
        this.reader.read(segment, day, {
          slice: ({ slot, timestampsMs, values, from, to }) => into.add(slot, timestampsMs, values, from, to),
          totals: inOneBucket ? (slot, row) => into.addRollup(slot, row.firstMs, row) : undefined,
          timesOnly: wants?.countsOnly === true,
        }),
    };
  }

  /** @throws AppError `validation_failed` when there is something of these series that rollups cannot tell */
  private refuse(left: UnitRow | null, slots: AgentSlots, day: TimeRange, reason: string): void {
    let concerned = false;
    if (left !== null) this.reader.readRollup(left, slots, day, () => (concerned = true));
    if (!concerned) return;
    const oldest = this.days.oldest();
    const since = oldest === null ? 'and there are none' : `which are there from ${new Date(oldest).toISOString()} on`;
    throw new AppError('validation_failed', `of ${new Date(day.startMs).toISOString().slice(0, 10)} ${reason} need the samples, ${since}`);
  }
}

/** Pieces by their stretch of time, ascending: an agent's samples must be added in the order of time. */
function inOrder(pieces: readonly Piece[]): Piece[][] {
  const stretches = new Map<string, Piece[]>();
  for (const piece of pieces) addToList(stretches, `${piece.startMs} ${piece.endMs}`, piece);
  return [...stretches.values()].sort(([a], [b]) => (a as Piece).startMs - (b as Piece).startMs);
}

/** Whether what a stretch amounts to is a part of this answer, and of the next one about a later range. */
function isPart(startMs: number, endMs: number, { range, stepMs, wants }: Asked): boolean {
  if (startMs < range.startMs || endMs > range.endMs || wants?.percentiles !== undefined) return false;
  if (stepMs === null || Math.floor(startMs / stepMs) === Math.floor((endMs - 1) / stepMs)) return true;
  return startMs % stepMs === 0 && endMs % stepMs === 0;
}

/**
 * Whether the hourly rollup has all that is asked for: of a whole day, with nothing newer than its unit, and for steps of
 * hours that are shorter than it. Longer ones are told by the unit's directory.
 */
function saysTheSame(segments: readonly Segment[], day: TimeRange, { stepMs, wants }: Asked): boolean {
  const [segment] = segments;
  if (stepMs === null || stepMs % HOUR_MS !== 0 || stepMs % DAY_MS === 0 || wants?.percentiles !== undefined) return false;
  return segments.length === 1 && segment?.unit?.spanMs === DAY_MS && segment.batchIds.length === 0 && day.endMs - day.startMs === DAY_MS;
}
