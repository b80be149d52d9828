/** `/alerts…`: what is wrong, what was, and what alerts are about. Fixed paths come before those with an id. */
import { Router } from 'express';
import Joi from 'joi';
import type { AlertQueries } from '../../alerting/alert-queries.js';
import type { RuleService } from '../../alerting/rule-service.js';
import type { SilenceService } from '../../alerting/silence-service.js';
import { SEVERITIES, type Severity } from '../../model/alert.js';
import { presentPeriod } from '../../query/present.js';
import type { Clock } from '../../runtime/clock.js';
import { validate } from '../../runtime/validate.js';
import { camelKeys, type GivenRange } from '../params.js';
import { limit, offset, rangeParams, readQuery, text, toRange } from './read-params.js';

export interface AlertRouteDeps {
  readonly alerts: AlertQueries;
  readonly rules: RuleService;
  readonly silences: SilenceService;
  readonly clock: Clock;
}

interface CommonParams {
  readonly severity?: Severity;
  readonly ruleId?: string;
  readonly agentId?: string;
  readonly limit: number;
  readonly offset: number;
}

interface ActiveParams extends CommonParams {
  readonly state: 'pending' | 'firing' | 'all';
  readonly silenced?: boolean;
}

const common = {
  severity: text().valid(...SEVERITIES),
  ruleId: text(),
  agentId: text(),
  limit: limit(1_000, 100),
  offset: offset(),
};

const activeSchema = Joi.object<ActiveParams>({
  ...common,
  state: text().valid('pending', 'firing', 'all').default('all'),
  silenced: Joi.boolean().empty(''),
});
const historySchema = Joi.object<CommonParams & GivenRange>({ ...common, ...rangeParams });
const acknowledgementSchema = Joi.object<{ by: string; comment: string }>({
  by: Joi.string().trim().max(200).required(),
  comment: Joi.string().trim().max(2_000).allow('').default(''),
}).rename('author', 'by');
const testSchema = Joi.object<{ rule: unknown } & GivenRange>({ rule: Joi.object().required(), ...rangeParams });

/** How far back alerts that are over are looked for, without a range. */
const HISTORY_RANGE = '7d';

export function alertRoutes({ alerts, rules, silences, clock }: AlertRouteDeps): Router {
  const router = Router();

  router.get('/alerts', async (req, res) => {
    const { severity = null, ruleId = null, agentId = null, silenced = null, ...rest } = readQuery(activeSchema, req.query);
    res.json(await alerts.active({ severity, ruleId, agentId, silenced, ...rest }));
  });
  router.get('/alerts/history', async (req, res) => {
    const { timeRange, startTime, endTime, ...query } = readQuery(historySchema, req.query);
    const range = toRange({ timeRange, startTime, endTime }, clock.nowMs(), HISTORY_RANGE);
    res.json({ ...(await alerts.history({ ...query, sinceMs: range.startMs, untilMs: range.endMs })), period: presentPeriod(range) });
  });

  router.get('/alerts/rules', async (_req, res) => {
    res.json(await rules.list());
  });
  router.post('/alerts/rules', async (req, res) => {
    res.status(201).json(await rules.create(req.body));
  });
  router.post('/alerts/rules/test', async (req, res) => {
    const { rule, ...given } = validate(testSchema, camelKeys(req.body), 'body');
    res.json(await rules.test(rule, toRange(given, clock.nowMs())));
  });
  router.get('/alerts/rules/:id', async (req, res) => {
    res.json(await rules.get(req.params.id));
  });
  router.put('/alerts/rules/:id', async (req, res) => {
    res.json(await rules.update(req.params.id, req.body));
  });
  router.delete('/alerts/rules/:id', async (req, res) => {
    res.json(await rules.remove(req.params.id));
  });

  router.get('/alerts/silences', async (_req, res) => {
    res.json(await silences.list());
  });
  router.post('/alerts/silences', async (req, res) => {
    res.status(201).json(await silences.create(req.body));
  });
  router.put('/alerts/silences/:id', async (req, res) => {
    res.json(await silences.update(req.params.id, req.body));
  });
  router.delete('/alerts/silences/:id', async (req, res) => {
    res.json(await silences.remove(req.params.id));
  });

  router.post('/alerts/:id/acknowledge', async (req, res) => {
    const { by, comment } = validate(acknowledgementSchema, req.body, 'body');
    res.json(await alerts.acknowledge(req.params.id, { by, comment, atMs: clock.nowMs() }));
  });
  router.delete('/alerts/:id/acknowledge', async (req, res) => {
    res.json(await alerts.acknowledge(req.params.id, null));
  });
  router.post('/alerts/:id/resolve', async (req, res) => {
    res.json(await alerts.dismiss(req.params.id));
  });
  return router;
}
