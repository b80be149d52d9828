import { Router } from 'express';
import { agentNotFound } from '../../model/agent.js';

/**
 * `DELETE /agents/:agentId`. The registry takes the agent out of sight, closes its socket and refuses what is still
 * on its way; its data is erased in the background.
 */
export function agentDeleteRoutes(deps: { readonly agents: { remove(id: string): Promise<boolean> } }): Router {
  const router = Router();
  router.delete('/agents/:agentId', async (req, res) => {
    const { agentId } = req.params;
    if (!(await deps.agents.remove(agentId))) throw agentNotFound(agentId);
    res.json({ message: 'agent deleted', agentId });
  });
  return router;
}
