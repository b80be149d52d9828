/** `GET /metrics…`: samples, histories, aggregates. `POST /metrics` belongs to the agents and is elsewhere. */
import { Router } from 'express';
import Joi from 'joi';
import { type Interval, INTERVALS } from '../../query/aggregated.js';
import type { MetricQueries } from '../../query/metric-queries.js';
import type { Clock } from '../../runtime/clock.js';
import type { GivenRange } from '../params.js';
import { aggregation, type AggregationParams, groupBy, toGroupBy } from './aggregation-params.js';
import {
  type FilterParams,
  filterParams,
  limit,
  MAX_SAMPLES,
  offset,
  type PageParams,
  pageParams,
  rangeParams,
  readQuery,
  text,
  toFilter,
  toOpenRange,
  toPage,
  toRange,
} from './read-params.js';

export interface MetricReadDeps {
  readonly metricQueries: MetricQueries;
  readonly clock: Clock;
}

type Filtered = FilterParams & GivenRange;
type Limited = Filtered & { readonly limit: number };

const filtered = { ...filterParams, ...rangeParams };
const HISTORY_LIMIT = limit(MAX_SAMPLES, MAX_SAMPLES);

const filteredSchema = Joi.object<Filtered>(filtered);
const pagedSchema = Joi.object<Filtered & PageParams>({ ...filtered, ...pageParams });
const aggregatedSchema = Joi.object<Limited & AggregationParams & { offset: number; interval: Interval }>({
  ...filtered,
  limit: pageParams.limit,
  offset: pageParams.offset,
  aggregation: aggregation(),
  groupBy: groupBy(),
  interval: text()
    .valid(...Object.keys(INTERVALS))
    .default('5m'),
});
const historySchema = Joi.object<Limited>({ ...filtered, limit: HISTORY_LIMIT });
const namedHistorySchema = Joi.object<Limited & { metricName: string }>({
  ...filtered,
  metricName: text().required(),
  limit: HISTORY_LIMIT,
});
const seriesSchema = Joi.object<FilterParams & { limit: number; offset: number; latest: boolean }>({
  ...filterParams,
  limit: pageParams.limit,
  // The order is settled in memory: a page far behind costs no more than the first.
  offset: offset().max(Number.MAX_SAFE_INTEGER),
  latest: Joi.boolean().empty('').truthy('1').falsy('0').default(false),
});
const searchSchema = Joi.object<Limited & { q: string }>({ ...filtered, q: text().min(2).required(), limit: limit(1_000, 50) });

export function metricReadRoutes({ metricQueries, clock }: MetricReadDeps): Router {
  const router = Router();

  router.get('/metrics', async (req, res) => {
    const params = readQuery(pagedSchema, req.query);
    res.json(await metricQueries.list(toFilter(params), toOpenRange(params, clock.nowMs()), toPage(params)));
  });

  router.get('/metrics/aggregated', async (req, res) => {
    const params = readQuery(aggregatedSchema, req.query);
    const { aggregation: aggregations, interval, limit: size, offset: skip } = params;
    const range = toRange(params, clock.nowMs());
    const asked = { aggregations, interval, groupBy: toGroupBy(params), limit: size, offset: skip };
    res.json(await metricQueries.aggregated({ filter: toFilter(params), range, ...asked }));
  });

  router.get('/metrics/history', async (req, res) => {
    const { metricName, ...params } = readQuery(namedHistorySchema, req.query);
    res.json(await metricQueries.history(metricName, toFilter(params), toRange(params, clock.nowMs()), params.limit));
  });

  router.get('/metrics/history/:name', async (req, res) => {
    const params = readQuery(historySchema, req.query);
    res.json(await metricQueries.history(req.params.name, toFilter(params), toRange(params, clock.nowMs()), params.limit));
  });

  router.get('/metrics/agent/:agentId', async (req, res) => {
    const params = readQuery(pagedSchema, req.query);
    res.json(await metricQueries.ofAgent(req.params.agentId, toFilter(params), toRange(params, clock.nowMs()), toPage(params)));
  });

  router.get('/metrics/names', async (req, res) => {
    res.json(await metricQueries.names(toFilter(readQuery(filteredSchema, req.query))));
  });

  router.get('/metrics/series', async (req, res) => {
    const params = readQuery(seriesSchema, req.query);
    const { limit: size, offset: skip, latest } = params;
    res.json(await metricQueries.series({ filter: toFilter(params), limit: size, offset: skip, latest }));
  });

  router.get('/metrics/stats', async (req, res) => {
    const params = readQuery(filteredSchema, req.query);
    res.json(await metricQueries.stats(toFilter(params), toRange(params, clock.nowMs())));
  });

  router.get('/metrics/realtime', async (req, res) => {
    res.json(await metricQueries.realtime(toFilter(readQuery(filteredSchema, req.query))));
  });

  router.get('/metrics/search', async (req, res) => {
    const params = readQuery(searchSchema, req.query);
    res.json(await metricQueries.search(params.q, toFilter(params), params.limit));
  });

  return router;
}
