/** `GET /agents…`: the fleet and its agents. Reading only; what changes an agent is in other routers. */
import { Router } from 'express';
import Joi from 'joi';
import type { AgentStatus } from '../../model/agent.js';
import { AGENT_SORT_KEYS, type AgentQueries, type AgentSortKey } from '../../query/agent-queries.js';
import type { Clock } from '../../runtime/clock.js';
import type { GivenRange } from '../params.js';
import { commaSeparated, limit, offset, rangeParams, readQuery, text, toRange } from './read-params.js';

export interface AgentReadDeps {
  readonly agentQueries: AgentQueries;
  readonly clock: Clock;
}

interface ListParams {
  readonly status: AgentStatus | 'all';
  readonly provider?: string[];
  readonly region?: string[];
  readonly search?: string;
  readonly sort: string;
  readonly limit: number;
  readonly offset: number;
}

/** Sort words as clients spell them, with `-` in front for descending. */
const SORT_KEYS: ReadonlyMap<string, AgentSortKey> = new Map([
  ...AGENT_SORT_KEYS.map((key) => [key, key] as const),
  ['lastSeen', 'last_seen'],
  ['createdAt', 'created_at'],
]);

const listSchema = Joi.object<ListParams>({
  status: text().valid('connected', 'disconnected', 'error', 'all').default('all'),
  provider: commaSeparated(),
  region: commaSeparated(),
  search: text(),
  sort: text()
    .valid(...[...SORT_KEYS.keys()].flatMap((key) => [key, `-${key}`]))
    .default('id'),
  limit: limit(1_000, 100),
  offset: offset().max(Number.MAX_SAFE_INTEGER),
});

const rangeSchema = Joi.object<GivenRange>(rangeParams);
const activitySchema = Joi.object<{ limit: number }>({ limit: limit(500, 50) });

/**
 * Fixed paths come before those with an id; an agent that is called `summary` keeps its own page, and its stats are
 * at `/agents/%73ummary/stats`.
 */
export function agentReadRoutes({ agentQueries, clock }: AgentReadDeps): Router {
  const router = Router();

  router.get('/agents', (req, res) => {
    const { status, provider, region, search, sort, limit: size, offset: skip } = readQuery(listSchema, req.query);
    const descending = sort.startsWith('-');
    res.json(
      agentQueries.list({
        status: status === 'all' ? null : status,
        ...(provider && { providers: provider }),
        ...(region && { regions: region }),
        search: search ?? null,
        sort: { key: SORT_KEYS.get(descending ? sort.slice(1) : sort) ?? 'id', descending },
        limit: size,
        offset: skip,
      }),
    );
  });

  router.get('/agents/summary/stats', (_req, res) => {
    res.json(agentQueries.summary());
  });

  router.get('/agents/:agentId', async (req, res) => {
    res.json(await agentQueries.one(req.params.agentId));
  });

  router.get('/agents/:agentId/stats', async (req, res) => {
    const range = toRange(readQuery(rangeSchema, req.query), clock.nowMs());
    res.json(await agentQueries.stats(req.params.agentId, range));
  });

  router.get('/agents/:agentId/activity', async (req, res) => {
    res.json(await agentQueries.activity(req.params.agentId, readQuery(activitySchema, req.query).limit));
  });

  return router;
}
