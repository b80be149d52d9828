import { type RequestHandler, Router } from 'express';
import type { HttpPush, PushAnswer } from '../../ingest/http-push.js';

export interface AgentPushDeps {
  readonly push: HttpPush;
}

/**
 * The way in over HTTP, under both prefixes in use. The answer is always 200: the older agent takes nothing else
 * for a success, and what it pushes is stored by then. Bodies were parsed before; errors go to the error handler.
 */
export function agentPushRoutes({ push }: AgentPushDeps): Router {
  const router = Router();
  router.post(
    ['/agents/register', '/monitoring/agents/register'],
    answering((body) => push.register(body)),
  );
  router.post(
    ['/metrics', '/monitoring/metrics'],
    answering((body) => push.push(body)),
  );
  return router;
}

function answering(take: (body: unknown) => Promise<PushAnswer>): RequestHandler {
  return async (request, response) => {
    response.json(await take(request.body));
  };
}
