import { Router } from 'express';
import type { ConfigService } from '../../control/agent-config.js';

/** `GET` and `PUT /agents/:agentId/config`. */
export function agentConfigRoutes(deps: { readonly configs: Pick<ConfigService, 'get' | 'put'> }): Router {
  const router = Router();
  router.get('/agents/:agentId/config', async (req, res) => {
    res.json(await deps.configs.get(req.params.agentId));
  });
  router.put('/agents/:agentId/config', async (req, res) => {
    res.json(await deps.configs.put(req.params.agentId, req.body));
  });
  return router;
}
