/**
 * Checks stored units, one at a time: its row, every part and its checksum, every column to the last sample, what the
 * directory says of them, and whose series they are. Each unit is fetched in a transaction of its own and decoded
 * after it, so that the check of a large database does not hold up the write-ahead log of a running server.
 */
import { type ColumnStats, statsOf } from '../../engine/column.js';
import { RollupReader } from '../../engine/rollup-unit.js';
import { checkPart, partsInMemory } from '../../engine/unit-parts.js';
import { UnitReader } from '../../engine/unit-reader.js';
import type { Db } from '../open.js';
import { MAX_PARTS, TIER } from '../units/unit-rows.js';
import type { KnownSeries } from './known-series.js';

interface Row {
  readonly id: number;
  readonly tier: number;
  readonly startMs: number;
  readonly agentKey: number;
  readonly spanMs: number;
  readonly sampleCount: number;
  readonly byteCount: number;
  readonly partCount: number;
}

export interface CheckedUnit {
  readonly id: number;
  readonly sampleCount: number;
  readonly byteCount: number;
  /** Each names the unit. */
  readonly problems: readonly string[];
}

const STATS = ['count', 'sum', 'min', 'max', 'first', 'last', 'increase'] as const satisfies readonly (keyof ColumnStats)[];

export class UnitCheck {
  private readonly fetch;

  constructor(
    db: Db,
    private readonly series: KnownSeries,
  ) {
    const selectNext = db.prepare<[number], Row>(
      `SELECT id, tier, start_ms AS startMs, agent_key AS agentKey, span_ms AS spanMs, sample_count AS sampleCount,
         byte_count AS byteCount, part_count AS partCount FROM units WHERE id > ? ORDER BY id LIMIT 1`,
    );
    const selectParts = db
      .prepare<[number, number], [number, Buffer]>('SELECT id, payload FROM unit_parts WHERE id >= ? AND id < ? ORDER BY id')
      .raw();
    this.fetch = db.transaction((afterId: number) => {
      const row = selectNext.get(afterId);
      if (row === undefined) return null;
      const problems: string[] = [];
      const agent = series.agent(row.agentKey);
      if (agent === null) problems.push(`there is no agent with key ${row.agentKey}`);
      const parts: Buffer[] = [];
      for (const [partId, payload] of selectParts.all(row.id * MAX_PARTS, (row.id + 1) * MAX_PARTS)) {
        const part = partId - row.id * MAX_PARTS;
        if (part !== parts.length) problems.push(`part ${parts.length} is missing`);
        parts[part] = payload;
      }
      return { row, agent, parts, problems };
    });
  }

  /** Checks the unit that follows this id; null when there is none. */
  next(afterId: number): CheckedUnit | null {
    const fetched = this.fetch(afterId);
    if (fetched === null) return null;
    const { row, agent, parts, problems } = fetched;
    if (parts.length !== row.partCount) problems.push(`${parts.length} parts, not ${row.partCount}`);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (bytes !== row.byteCount) problems.push(`${bytes} bytes, not ${row.byteCount}`);
    if (problems.length === 0) problems.push(...this.contentProblems(row, parts));
    const name = `unit ${row.id} (agent ${agent ?? `key ${row.agentKey}`}, ${timeText(row.startMs)}, ${row.spanMs / 60_000} minutes, tier ${row.tier})`;
    return {
      id: row.id,
      sampleCount: row.tier === TIER.raw ? row.sampleCount : 0,
      byteCount: bytes,
      problems: problems.map((problem) => `${name}: ${problem}`),
    };
  }

  private contentProblems(row: Row, parts: readonly Buffer[]): string[] {
    const problems = parts.flatMap((part, i) => failureOf(() => void checkPart(part, i)));
    if (problems.length > 0) return problems;
    return failureOf(() => {
      problems.push(...(row.tier === TIER.raw ? this.sampleProblems(row, parts) : this.rollupProblems(row, parts)));
    }).concat(problems);
  }

  private sampleProblems(row: Row, parts: readonly Buffer[]): string[] {
    const reader = new UnitReader(partsInMemory(parts));
    const { startMs, endMs, columns } = reader.directory;
    const problems = windowProblems(row, startMs, endMs);
    problems.push(...this.series.problems(seriesOf(columns), row.agentKey));
    let samples = 0;
    for (const [index, { seriesId, isCounter, stats }] of columns.entries()) {
      const { timestampsMs, values, objectValues } = reader.readColumn(index);
      const name = `series ${seriesId}`;
      samples += timestampsMs.length;
      if (!ascendingWithin(timestampsMs, startMs, endMs)) problems.push(`${name}: times that do not ascend within the unit`);
      const actual = statsOf(values, 0, values.length, isCounter);
      const wrong = STATS.filter((field) => !Object.is(actual[field], stats[field]));
      if (wrong.length > 0) problems.push(`${name}: the directory is wrong about ${wrong.join(', ')}`);
      const type = this.series.find(seriesId)?.type;
      if (type !== undefined && (type === 'counter') !== isCounter) problems.push(`${name}: is a ${type} in the dictionary`);
      for (const { row: at, json } of objectValues ?? []) {
        problems.push(...failureOf(() => void JSON.parse(json)).map((why) => `${name}, sample ${at}: ${why}`));
      }
    }
    if (samples !== row.sampleCount) problems.push(`${samples} samples, not ${row.sampleCount}`);
    return problems;
  }

  private rollupProblems(row: Row, parts: readonly Buffer[]): string[] {
    const reader = new RollupReader(partsInMemory(parts));
    const { startMs, endMs, series } = reader.directory;
    const problems = windowProblems(row, startMs, endMs);
    problems.push(...this.series.problems(seriesOf(series), row.agentKey));
    const rows = series.reduce((sum, entry) => sum + entry.rows, 0);
    if (rows !== row.sampleCount) problems.push(`${rows} rows, not ${row.sampleCount}`);
    for (const [index, { seriesId }] of series.entries()) {
      const { bucketsMs } = reader.readColumn(index);
      if (!ascendingWithin(bucketsMs, startMs, endMs)) problems.push(`series ${seriesId}: steps that do not ascend within the unit`);
    }
    return problems;
  }
}

function windowProblems(row: Row, startMs: number, endMs: number): string[] {
  if (startMs === row.startMs && endMs === row.startMs + row.spanMs) return [];
  return [`its bytes are of ${timeText(startMs)} to ${timeText(endMs)}`];
}

function seriesOf(entries: readonly { readonly seriesId: number }[]): number[] {
  return entries.map(({ seriesId }) => seriesId);
}

function ascendingWithin(timesMs: Float64Array, startMs: number, endMs: number): boolean {
  return timesMs.every((time, i) => time >= startMs && time < endMs && (i === 0 || time > (timesMs[i - 1] as number)));
}

/** What `check` throws, as a list of one; empty when it throws nothing. */
export function failureOf(check: () => void): string[] {
  try {
    check();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** A stored time may be nonsense. */
function timeText(timestampMs: number): string {
  return Math.abs(timestampMs) <= 8.64e15 ? new Date(timestampMs).toISOString() : `${timestampMs} ms`;
}
