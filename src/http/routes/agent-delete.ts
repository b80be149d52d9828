import { Router } from 'express';
import { AppError } from '../../model/errors.js';

/**
 * `DELETE /agents/:agentId`. The registry takes the agent out of sight, closes its socket and refuses what is still
 * on its way; its data is erased in the background.
 */
export function agentDeleteRoutes(deps: { readonly agents: { remove(id: string): Promise<boolean> } }): Router {
  const router = Router();
  router.delete('/agents/:agentId', async (req, res) => {
    const { agentId } = req.params;
    if (!(await deps.agents.remove(agentId))) throw new AppError('agent_not_found', `there is no agent "${agentId.slice(0, 128)}"`);
    res.json({ message: 'agent deleted', agentId });
  });
  return router;
}
