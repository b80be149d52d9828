/** `GET /metrics/chart`: what a chart draws. */
import { Router } from 'express';
import Joi from 'joi';
import { AppError } from '../../model/errors.js';
import type { ChartQueries, ChartRequest } from '../../query/chart.js';
import type { Clock } from '../../runtime/clock.js';
import { type GivenRange, parseDuration, parseTime } from '../params.js';
import { jsonInSlices } from './json-in-slices.js';
import { aggregation, type AggregationParams, groupBy, toGroupBy } from './aggregation-params.js';
import { type FilterParams, filterParams, limit, rangeParams, readQuery, repeated, text, toFilter, toRange } from './read-params.js';

export interface ChartDeps {
  readonly chartQueries: Pick<ChartQueries, 'chart'>;
  readonly clock: Clock;
}

type ChartParams = FilterParams &
  GivenRange &
  AggregationParams & { readonly interval: string; readonly points: number; readonly limit: number; readonly since?: string };

const AUTO = 'auto';
const MAX_NAMES = 10;
const MAX_POINTS = 5_000;
const MAX_GROUPS = 1_000;

const chartSchema = Joi.object<ChartParams>({
  ...filterParams,
  ...rangeParams,
  metricName: repeated().max(MAX_NAMES).required(),
  aggregation: aggregation().max(1).messages({ 'array.max': '{{#label}} must be a single one' }),
  groupBy: groupBy(),
  interval: text()
    .pattern(/^(?:auto|\d{1,9}[smhd])$/)
    .messages({ 'string.pattern.base': '{{#label}} must be auto, or a number with s, m, h or d, such as 30s or 5m' })
    .default(AUTO),
  points: limit(MAX_POINTS, 1_000),
  limit: limit(MAX_GROUPS, 100),
  since: text(),
});

export function metricChartRoutes({ chartQueries, clock }: ChartDeps): Router {
  const router = Router();

  router.get('/metrics/chart', async (req, res) => {
    const answer = await chartQueries.chart(toRequest(readQuery(chartSchema, req.query), clock.nowMs()));
    res.type('json').send(await jsonInSlices(answer, 'series'));
  });

  return router;
}

/** @throws AppError `validation_failed` */
function toRequest(params: ChartParams, nowMs: number): ChartRequest {
  const { interval: given, points, limit: groups, since } = params;
  const interval = given === AUTO ? { points } : { stepMs: parseDuration(given, 'interval') };
  return {
    filter: toFilter(params),
    range: since === undefined ? toRange(params, nowMs) : rangeSince(since, params, interval, nowMs),
    aggregation: params.aggregation[0] ?? 'avg',
    groupBy: toGroupBy(params) ?? ['series'],
    interval,
    limit: groups,
    continues: since !== undefined,
  };
}

/** From the beginning of the bucket that holds `since`. @throws AppError `validation_failed` */
function rangeSince(since: string, { startTime, endTime, timeRange }: GivenRange, interval: ChartRequest['interval'], nowMs: number) {
  if (!('stepMs' in interval)) throw invalid('interval', '"since" needs the interval of the answer it continues', AUTO);
  if (startTime !== undefined || timeRange !== undefined) {
    throw invalid('since', '"since" is where the range begins: give no startTime and no timeRange', since);
  }
  const startMs = Math.floor(parseTime(since, 'since') / interval.stepMs) * interval.stepMs;
  const endMs = endTime === undefined ? nowMs : parseTime(endTime, 'endTime');
  if (startMs >= endMs) throw invalid('since', '"since" must be before the end of the range', since);
  return { startMs, endMs };
}

function invalid(field: string, reason: string, value: string): AppError {
  return new AppError('validation_failed', `${reason} (it is "${value.slice(0, 100)}")`, [
    { field, message: reason, value: value.slice(0, 100) },
  ]);
}
