import { Router } from 'express';
import type { TargetService } from '../../control/targets.js';

/** `GET` and `POST /targets`, `PUT` and `DELETE /targets/:id`. The list is a bare array, as the console wants it. */
export function targetRoutes(deps: { readonly targets: Pick<TargetService, 'list' | 'create' | 'update' | 'remove'> }): Router {
  const router = Router();
  router.get('/targets', (_req, res) => {
    res.json(deps.targets.list());
  });
  router.post('/targets', async (req, res) => {
    res.status(201).json(await deps.targets.create(req.body));
  });
  router.put('/targets/:id', async (req, res) => {
    res.json(await deps.targets.update(req.params.id, req.body));
  });
  router.delete('/targets/:id', async (req, res) => {
    res.json(await deps.targets.remove(req.params.id));
  });
  return router;
}
