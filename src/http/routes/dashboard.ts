/** `GET /dashboard…`: what the console's first page shows. */
import { Router } from 'express';
import Joi from 'joi';
import type { DashboardQueries } from '../../query/dashboard-queries.js';
import type { Clock } from '../../runtime/clock.js';
import type { GivenRange } from '../params.js';
import { commaSeparated, type FilterParams, filterParams, limit, rangeParams, readQuery, toFilter, toRange } from './read-params.js';

export interface DashboardDeps {
  readonly dashboardQueries: DashboardQueries;
  readonly clock: Clock;
}

/** The overview's own names of three conditions; the names all other endpoints use are understood too. */
interface OverviewParams extends FilterParams, GivenRange {
  readonly providers?: string[];
  readonly regions?: string[];
  readonly metrics?: string[];
}

const chartsSchema = Joi.object<FilterParams & GivenRange>({ ...filterParams, ...rangeParams });
const overviewSchema = Joi.object<OverviewParams>({
  ...filterParams,
  ...rangeParams,
  providers: commaSeparated(),
  regions: commaSeparated(),
  metrics: commaSeparated(),
});
const activitySchema = Joi.object<{ limit: number }>({ limit: limit(1_000, 50) });

export function dashboardRoutes({ dashboardQueries, clock }: DashboardDeps): Router {
  const router = Router();

  router.get('/dashboard/overview', async (req, res) => {
    const { providers, regions, metrics, ...params } = readQuery(overviewSchema, req.query);
    const provider = union(params.provider, providers);
    const region = union(params.region, regions);
    const metricName = union(params.metricName, metrics);
    const filter = toFilter({ ...params, ...(provider && { provider }), ...(region && { region }), ...(metricName && { metricName }) });
    res.json(await dashboardQueries.overview(filter, toRange(params, clock.nowMs())));
  });

  router.get('/dashboard/metrics', async (req, res) => {
    const params = readQuery(chartsSchema, req.query);
    res.json(await dashboardQueries.metrics(toFilter(params), toRange(params, clock.nowMs())));
  });

  router.get('/dashboard/health', async (_req, res) => {
    res.json(await dashboardQueries.health());
  });

  router.get('/dashboard/activity', async (req, res) => {
    res.json(await dashboardQueries.activity(readQuery(activitySchema, req.query).limit));
  });

  return router;
}

function union(a: string[] | undefined, b: string[] | undefined): string[] | undefined {
  return a === undefined || b === undefined ? (a ?? b) : [...new Set([...a, ...b])];
}
