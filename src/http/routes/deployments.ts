import { type RequestHandler, Router } from 'express';
import { AppError } from '../../model/errors.js';
import { isoTime } from '../../model/iso-time.js';
import type { Clock } from '../../runtime/clock.js';

/**
 * The console's deployment pages are not served by this backend: a clear 501 on every method. The call that
 * start-up scripts of deployed agents make when they are done is answered 200, whatever body it brings: the agent
 * itself shows up when it connects.
 */
export function deploymentRoutes(deps: { readonly clock: Clock }): Router {
  const router = Router();
  const notImplemented: RequestHandler = () => {
    throw new AppError('not_implemented', 'this server does not deploy agents');
  };
  router.all(['/gcp', '/gcp/*rest'], notImplemented);
  router.all(['/monitoring/deploy', '/monitoring/deploy/:id'], notImplemented);
  router.post('/deployments/:id/complete', (req, res) => {
    res.json({ message: 'noted', deploymentId: req.params.id, timestamp: isoTime(deps.clock.nowMs()) });
  });
  return router;
}
