import type { MetricType } from '../../../model/metric.js';
import { DecodedBatch, decodeBatch, type ObjectValue } from '../../engine/codec/batch-payload.js';
import { encodeRollups, RollupReader } from '../../engine/rollup-unit.js';
import { addRollups, type RollupColumn, rollUp } from '../../engine/rollup.js';
import { SeriesColumns } from '../../engine/series-columns.js';
import { UnitEncoder } from '../../engine/unit-encoder.js';
import { cutIntoParts } from '../../engine/unit-parts.js';
import { UnitReader } from '../../engine/unit-reader.js';
import { damaged } from '../damaged.js';
import type { Db } from '../open.js';
import { type NewUnit, ROLLUP_STEP_MS, type RollupTier, TIER, type UnitRow, UnitRows } from './unit-rows.js';

/**
 * Samples of one agent to be laid down: what is in these raw units and, newer, in these rows of the log. A fold of a day
 * makes its rollups as well, from the same samples.
 */
export interface FoldJob {
  readonly agentKey: number;
  readonly startMs: number;
  readonly spanMs: number;
  readonly unitIds: readonly number[];
  readonly batchIds: readonly number[];
  /** False: the samples have had their time, only their rollups stay. */
  readonly keepsRaw: boolean;
  /** Rollups to make. Only a day has any. */
  readonly tiers: readonly RollupTier[];
  /** Rollups of this day that are there already: they make room for the new ones. */
  readonly rollupIds: readonly number[];
  /** The rollups that are there stand for samples that are gone: the new ones take them in. */
  readonly addsToRollups: boolean;
}

/** The same for every plan of the same stretch, whatever its sources are by then. */
export function jobKey({ agentKey, startMs, spanMs }: Pick<FoldJob, 'agentKey' | 'startMs' | 'spanMs'>): string {
  return `${agentKey} ${startMs} ${spanMs}`;
}

/** What a fold came to: the writer puts the new unit in the place of its sources, if all of them are still there. */
export interface Fold {
  readonly job: FoldJob;
  readonly units: readonly NewUnit[];
}

/**
 * Turns log rows and units into one unit, and its rollups. Reads only; must be used within one read transaction. Everything goes
 * through SeriesColumns, units first and log rows in their order, so that the last write wins here as in queries.
 */
export class Folder {
  private readonly units;
  private readonly selectPayload;
  private readonly selectTypes;
  private readonly decoded = new DecodedBatch();
  private readonly columns = new SeriesColumns();
  private readonly encoder = new UnitEncoder();

  constructor(db: Db) {
    this.units = new UnitRows(db);
    this.selectPayload = db.prepare<[number], [Buffer, number]>('SELECT payload, window_ms FROM metric_batches WHERE id = ?').raw();
    this.selectTypes = db
      .prepare<[number], [number, MetricType]>('SELECT id, type FROM metric_series WHERE agent_key = ? ORDER BY id')
      .raw();
  }

  /** null when a source is gone: the agent was deleted, or somebody folded it already. */
  fold(job: FoldJob): Fold | null {
    const sources = this.units
      .starting(TIER.raw, job.startMs, job.startMs + job.spanMs, job.agentKey)
      .filter(({ id }) => job.unitIds.includes(id));
    if (sources.length !== job.unitIds.length) return null;
    const types = new Map(this.selectTypes.all(job.agentKey));
    const seriesIds = [...types.keys()];
    const slotOf = new Map(seriesIds.map((id, slot) => [id, slot]));
    const objects: string[] = [];
    this.columns.reset(seriesIds.length);
    for (const source of sources) this.addUnit(source, slotOf, objects);
    for (const id of job.batchIds) if (!this.addBatch(id, slotOf, objects)) return null;
    this.columns.finish();
    const units = job.keepsRaw ? this.encode(job, seriesIds, types, objects) : [];
    for (const tier of job.tiers) {
      const rollups = this.rollUps(job, tier, seriesIds, types);
      if (rollups === null) return null;
      units.push(...rollups);
    }
    return { job, units };
  }

  private addUnit(row: UnitRow, slotOf: ReadonlyMap<number, number>, objects: string[]): void {
    try {
      const reader = new UnitReader(this.units.parts(row));
      for (const [index, { seriesId }] of reader.directory.columns.entries()) {
        const slot = slotOf.get(seriesId);
        if (slot === undefined) continue;
        this.addColumn(slot, reader.readColumn(index), objects);
      }
    } catch (error) {
      throw damaged(error, `unit ${row.id}`);
    }
  }

  private addColumn(
    slot: number,
    {
      timestampsMs,
      values,
      objectValues,
    }: { timestampsMs: Float64Array; values: Float64Array; objectValues: readonly ObjectValue[] | null },
    objects: string[],
  ): void {
    const jsonOf = objectValues === null ? null : new Map(objectValues.map(({ row, json }) => [row, json]));
    for (let i = 0; i < timestampsMs.length; i += 1) {
      const json = jsonOf?.get(i);
      this.columns.add(slot, timestampsMs[i] as number, values[i] as number, json === undefined ? 0 : objects.push(json));
    }
  }

  private addBatch(id: number, slotOf: ReadonlyMap<number, number>, objects: string[]): boolean {
    const found = this.selectPayload.get(id);
    if (found === undefined) return false;
    const { decoded } = this;
    try {
      decodeBatch(found[0], found[1], decoded);
    } catch (error) {
      throw damaged(error, `metric_batches row ${id}`);
    }
    const jsonOf = decoded.objectValues.length === 0 ? null : new Map(decoded.objectValues.map(({ row, json }) => [row, json]));
    for (let row = 0; row < decoded.count; row += 1) {
      const slot = slotOf.get(decoded.seriesIds[row] as number);
      if (slot === undefined) continue;
      const json = jsonOf?.get(row);
      this.columns.add(
        slot,
        decoded.timestampsMs[row] as number,
        decoded.values[row] as number,
        json === undefined ? 0 : objects.push(json),
      );
    }
    return true;
  }

  /** One unit with the day's rollups, or none when there is nothing; null when a rollup to be added to is gone. */
  private rollUps(job: FoldJob, tier: RollupTier, seriesIds: readonly number[], types: ReadonlyMap<number, MetricType>): NewUnit[] | null {
    const stepMs = ROLLUP_STEP_MS[tier];
    const window = { startMs: job.startMs, endMs: job.startMs + job.spanMs, stepMs };
    const [known] = this.units.starting(tier, window.startMs, window.endMs, job.agentKey);
    const addsTo = job.addsToRollups ? known : undefined;
    if (addsTo !== undefined && !job.rollupIds.includes(addsTo.id)) return null;
    const stale = addsTo === undefined ? new Map<number, RollupColumn>() : this.rollupsOf(addsTo);
    const { starts, ends, timestampsMs, values } = this.columns;
    const columns = seriesIds.flatMap((seriesId, slot) => {
      const [start, end] = [starts[slot] as number, ends[slot] as number];
      const before = stale.get(seriesId) ?? null;
      if (start === end) return before ?? [];
      const samples = { timestampsMs: timestampsMs.subarray(start, end), values: values.subarray(start, end) };
      const fresh = rollUp(seriesId, types.get(seriesId) === 'counter', samples, stepMs);
      return before === null ? fresh : addRollups(before, fresh);
    });
    if (columns.length === 0) return [];
    const sampleCount = columns.reduce((rows, { count }) => rows + count.length, 0);
    return [{ tier, startMs: job.startMs, spanMs: job.spanMs, sampleCount, parts: cutIntoParts(encodeRollups(window, columns)) }];
  }

  private rollupsOf(row: UnitRow): Map<number, RollupColumn> {
    try {
      const reader = new RollupReader(this.units.parts(row));
      return new Map(reader.directory.series.map(({ seriesId }, index) => [seriesId, reader.readColumn(index)]));
    } catch (error) {
      throw damaged(error, `unit ${row.id}`);
    }
  }

  /** `origins` of the rows are 1 + the place of their JSON in `objects`, 0 for plain numbers. */
  private encode(
    job: FoldJob,
    seriesIds: readonly number[],
    types: ReadonlyMap<number, MetricType>,
    objects: readonly string[],
  ): NewUnit[] {
    const { starts, ends, timestampsMs, values, origins } = this.columns;
    let sampleCount = 0;
    const columns = seriesIds.flatMap((seriesId, slot) => {
      const start = starts[slot] as number;
      const end = ends[slot] as number;
      if (start === end) return [];
      sampleCount += end - start;
      const objectValues: ObjectValue[] = [];
      for (let i = start; i < end; i += 1) {
        const origin = origins[i] as number;
        if (origin > 0) objectValues.push({ row: i - start, json: objects[origin - 1] as string });
      }
      return [
        {
          seriesId,
          isCounter: types.get(seriesId) === 'counter',
          timestampsMs: timestampsMs.subarray(start, end),
          values: values.subarray(start, end),
          objectValues: objectValues.length === 0 ? null : objectValues,
        },
      ];
    });
    if (sampleCount === 0) return [];
    const window = { startMs: job.startMs, endMs: job.startMs + job.spanMs };
    return [
      { tier: TIER.raw, startMs: job.startMs, spanMs: job.spanMs, sampleCount, parts: cutIntoParts(this.encoder.encode(window, columns)) },
    ];
  }
}
