/** `GET /topology`: places, agents and what they check, as a graph. */
import { Router } from 'express';
import Joi from 'joi';
import type { TopologyQueries } from '../../query/topology.js';
import type { Clock } from '../../runtime/clock.js';
import type { GivenRange } from '../params.js';
import { jsonInSlices } from './json-in-slices.js';
import { type FilterParams, filterParams, rangeParams, readQuery, toFilter, toRange } from './read-params.js';

/** Edges are about now. */
const DEFAULT_RANGE = '5m';

const topologySchema = Joi.object<FilterParams & GivenRange>({ ...filterParams, ...rangeParams });

export function topologyRoutes({ topologyQueries, clock }: { readonly topologyQueries: TopologyQueries; readonly clock: Clock }): Router {
  const router = Router();
  router.get('/topology', async (req, res) => {
    const params = readQuery(topologySchema, req.query);
    const graph = await topologyQueries.topology(toFilter(params), toRange(params, clock.nowMs(), DEFAULT_RANGE));
    res.type('json').send(await jsonInSlices(graph, 'edges'));
  });
  return router;
}
