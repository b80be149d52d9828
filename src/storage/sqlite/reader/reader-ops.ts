import type { AggregateQuery, BatchErrors, SampleQuery } from '../../ports.js';
import type { Db } from '../open.js';
import { ActivityRows } from '../rows/activity-rows.js';
import { AgentRows } from '../rows/agent-rows.js';
import { createAlertReaderOps } from '../rows/alerts/alert-ops.js';
import { CommandRows } from '../rows/command-rows.js';
import { ConfigRows } from '../rows/config-rows.js';
import { GapRows } from '../rows/gap-rows.js';
import { TargetRows } from '../rows/target-rows.js';
import { FoldPlanner } from '../units/fold-planner.js';
import { UsageRows } from '../rows/usage-rows.js';
import { pack } from '../threads/packed-groups.js';
import { packSamples, packSeries } from '../threads/packed-series.js';
import { ExpiryPlanner } from '../units/expiry-planner.js';
import { AggregateReader } from './aggregate-reader.js';
import { SampleReader } from './sample-reader.js';
import { SegmentReader } from './segment-reader.js';
import { Segments } from './segments.js';
import { SeriesFinder } from './series-lookup.js';
import { StoredDays } from './stored-days.js';

/** Everything that reads, by name: what the main thread may ask of a reader thread. Each runs in one snapshot. */
export function createReaderOps(db: Db, settings: { readonly queryTimeoutMs: number }) {
  const series = new SeriesFinder(db);
  const days = new StoredDays(db);
  const segments = new Segments(db);
  const reader = new SegmentReader(db, settings.queryTimeoutMs);
  const samples = new SampleReader(series, days, segments, reader);
  const aggregates = new AggregateReader(series, days, segments, reader);
  const planner = new FoldPlanner(db);
  const expiry = new ExpiryPlanner(db);
  const usage = new UsageRows(db);
  const gaps = new GapRows(db);
  const agents = new AgentRows(db);
  const configs = new ConfigRows(db);
  const targets = new TargetRows(db);
  const commands = new CommandRows(db);
  const activities = new ActivityRows(db);
  const errors = db.prepare<[number], BatchErrors>(
    `SELECT a.id AS agentId, sum(e.errors) AS errorCount, e.last_error AS lastError, max(e.id)
     FROM batch_errors e JOIN agents a ON a.agent_key = e.agent_key
     WHERE e.at_ms >= ? GROUP BY e.agent_key ORDER BY errorCount DESC, a.id`,
  );
  return {
    samples: (query: SampleQuery) => packSamples(samples.samples(query)),
    aggregate: (query: AggregateQuery) => pack(aggregates.aggregate(query)),
    totals: aggregates.totals.bind(aggregates),
    latest: (query: Parameters<SampleReader['latest']>[0]) => packSamples(samples.latest(query)),
    series(query: Parameters<SeriesFinder['list']>[0]) {
      const { series: page, total } = series.list(query);
      return { series: packSeries(page), total };
    },
    names: series.names.bind(series),
    gaps: gaps.within.bind(gaps),
    agentsWithGaps: gaps.agents.bind(gaps),
    allAgents: agents.all.bind(agents),
    expiredAgents: agents.expired.bind(agents),
    getConfig: configs.get.bind(configs),
    allTargets: targets.all.bind(targets),
    getCommand: commands.get.bind(commands),
    listCommands: commands.list.bind(commands),
    recentActivities: activities.recent.bind(activities),
    // SQLite takes bare columns (last_error) from the row that holds the max().
    batchErrors: (sinceMs: number): BatchErrors[] =>
      errors.all(sinceMs).map(({ agentId, errorCount, lastError }) => ({ agentId, errorCount, lastError })),
    planFolds: planner.plan.bind(planner),
    planExpiry: expiry.plan.bind(expiry),
    usage: usage.read.bind(usage),
    ...createAlertReaderOps(db),
    probe(): void {},
  };
}

export type ReaderOps = ReturnType<typeof createReaderOps>;
