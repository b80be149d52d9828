import { Router } from 'express';

/** The part of a prom-client registry that is used here. */
export interface Exposition {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** `GET /metrics`: what the server tells about itself, in Prometheus' text format. Not to be confused with /api/v1/metrics. */
export function expositionRoutes(deps: { readonly registry: Exposition }): Router {
  const router = Router();
  router.get('/metrics', async (_req, res) => {
    const text = await deps.registry.metrics();
    res.setHeader('Content-Type', deps.registry.contentType);
    res.send(text);
  });
  return router;
}
