/**
 * `metrics`, as people see it in SQL: a table-valued function over the samples, wherever and however they are stored.
 *
 *   select name, avg(value) from metrics('agent-1', '', '2026-11-22') group by name
 *   select * from metrics where agent = 'agent-1' and until = '2026-11-22T12:00:00Z'
 *
 * The parameters — agent, metric, since, until; '' or left out for "any" — narrow what is read; everything else is
 * filtered by SQLite. Times are ISO 8601 or Unix milliseconds, `[since, until)`. (A NULL cannot stand for "any":
 * SQLite finds that nothing equals NULL and does not ask the table at all.)
 */
import type { SeriesInfo } from '../../model/metric.js';
import type { SeriesFilter } from '../ports.js';
import { type Db, openForReading } from './open.js';
import { type ColumnSlice, SegmentReader } from './reader/segment-reader.js';
import { Segments } from './reader/segments.js';
import { SeriesFinder } from './reader/series-lookup.js';
import { StoredDays } from './reader/stored-days.js';

export interface PeoplesDatabase {
  readonly db: Db;
  /** Does something in which all that `metrics` answers is as of one moment: beside a server, what is read is folded meanwhile. */
  atOneMoment(work: () => void): void;
  close(): void;
}

/** People wait longer than dashboards do. */
const SCAN_TIMEOUT_MS = 600_000;

/**
 * Opens a database for a person to read with SQL, beside a running server or without one: read-only, with `metrics`.
 * A second connection feeds the function, because a connection cannot run a statement while another steps through it.
 */
export function openForPeople(path: string): PeoplesDatabase {
  const db = openForReading(path);
  const feed = openForReading(path);
  const finder = new SeriesFinder(feed);
  db.table('metrics', {
    columns: [
      'agent_id',
      'name',
      'type',
      'value',
      'unit',
      'tags',
      'provider',
      'region',
      'zone',
      'timestamp',
      'timestamp_ms',
      'received_at_ms',
      'object_value',
    ],
    parameters: ['agent', 'metric', 'since', 'until'],
    *rows(agent: unknown, metric: unknown, since: unknown, until: unknown) {
      const filter: SeriesFilter = {
        ...(isAny(agent) ? {} : { agentIds: [String(agent)] }),
        ...(isAny(metric) ? {} : { names: [String(metric)] }),
      };
      const range = {
        startMs: isAny(since) ? Number.NEGATIVE_INFINITY : timeOf(since, 'since'),
        endMs: isAny(until) ? Number.POSITIVE_INFINITY : timeOf(until, 'until'),
      };
      yield* samples(feed, finder, filter, range);
    },
  });
  return {
    db,
    atOneMoment(work) {
      feed.transaction(work)();
    },
    close() {
      db.close();
      feed.close();
    },
  };
}

function* samples(feed: Db, finder: SeriesFinder, filter: SeriesFilter, range: { startMs: number; endMs: number }) {
  const lookup = finder.lookUp(filter);
  const segments = new Segments(feed);
  const reader = new SegmentReader(feed, SCAN_TIMEOUT_MS);
  reader.startTimer();
  for (const day of new StoredDays(feed).within(range, 'ascending')) {
    for (const segment of [...segments.within(day, lookup).values()].flat()) {
      const rows: unknown[][] = [];
      const slice = ({ slot, timestampsMs, values, from, to, arrival }: ColumnSlice): void => {
        const { agentId, name, type, unit, tagsJson, provider, region, zone } = lookup.infos[slot] as SeriesInfo;
        for (let i = from; i < to; i += 1) {
          const time = timestampsMs[i] as number;
          const { receivedAtMs, objectJson } = arrival(i);
          const received = Number.isNaN(receivedAtMs) ? null : receivedAtMs;
          rows.push([
            agentId,
            name,
            type,
            values[i],
            unit,
            tagsJson,
            provider,
            region,
            zone,
            new Date(time).toISOString(),
            time,
            received,
            objectJson,
          ]);
        }
      };
      reader.read(segment, day, { slice });
      yield* rows;
    }
  }
}

function isAny(parameter: unknown): boolean {
  return parameter === undefined || parameter === null || parameter === '';
}

function timeOf(value: unknown, parameter: string): number {
  const ms = typeof value === 'number' ? value : Date.parse(String(value));
  if (Number.isNaN(ms))
    throw new TypeError(`metrics(): ${parameter} must be an ISO 8601 time or Unix milliseconds, not "${String(value)}"`);
  return ms;
}
