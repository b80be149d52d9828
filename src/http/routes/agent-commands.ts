import { Router } from 'express';
import Joi from 'joi';
import type { CommandService } from '../../control/commands.js';
import { readQuery } from './read-params.js';

const listQuery = Joi.object<{ limit: number }>({ limit: Joi.number().integer().min(1).max(500).default(50) });

/** `POST` and `GET /agents/:agentId/commands`, `GET /agents/:agentId/commands/:commandId`. */
export function agentCommandRoutes(deps: { readonly commands: Pick<CommandService, 'send' | 'get' | 'list'> }): Router {
  const router = Router();
  router.post('/agents/:agentId/commands', async (req, res) => {
    res.status(202).json(await deps.commands.send(req.params.agentId, req.body));
  });
  router.get('/agents/:agentId/commands', async (req, res) => {
    const { limit } = readQuery(listQuery, req.query);
    res.json(await deps.commands.list(req.params.agentId, limit));
  });
  router.get('/agents/:agentId/commands/:commandId', async (req, res) => {
    res.json(await deps.commands.get(req.params.agentId, req.params.commandId));
  });
  return router;
}
