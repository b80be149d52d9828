/** `GET /agents/:agentId/gaps`: what is known to be missing of an agent's data. */
import { Router } from 'express';
import Joi from 'joi';
import type { GapQueries } from '../../query/gaps.js';
import type { Clock } from '../../runtime/clock.js';
import type { GivenRange } from '../params.js';
import { rangeParams, readQuery, toRange } from './read-params.js';

const rangeSchema = Joi.object<GivenRange>(rangeParams);

export function agentGapRoutes({ gapQueries, clock }: { readonly gapQueries: GapQueries; readonly clock: Clock }): Router {
  const router = Router();
  router.get('/agents/:agentId/gaps', async (req, res) => {
    const range = toRange(readQuery(rangeSchema, req.query), clock.nowMs());
    res.json(await gapQueries.ofAgent(req.params.agentId, range));
  });
  return router;
}
