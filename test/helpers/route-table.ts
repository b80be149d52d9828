/**
 * Every route of the server, and who may use it. `mountedRoutes` reads the same off the running app: a route that is missing
 * here fails the access test.
 */

/** Who gets in: anybody; agents and people; people alone; people and Prometheus. */
export type Access = 'open' | 'agent' | 'person' | 'scrape';

export interface RouteCase {
  /** As the router knows it, or null for what is no route. */
  readonly route: string | null;
  readonly method: string;
  readonly path: string;
  readonly access: Access;
  /** The answer to whoever gets in. */
  readonly status: number;
  readonly body?: unknown;
}

/** The one agent that exists once a batch was let in, or `registerAgent` was called. */
export const AGENT_ID = 'access-1';

const registration = { id: AGENT_ID, hostname: 'host-1', region: 'us-central1' };
const batch = { agent_id: AGENT_ID, metrics: [{ name: 'access_gauge', type: 'gauge', value: 1 }] };

/** `METHOD route`, how it is asked for (null: just so), access, status, body. */
type Row = readonly [route: string, path: string | null, access: Access, status: number, body?: unknown];

const ROUTES: readonly Row[] = [
  ['GET /health', null, 'open', 200],
  ['GET /metrics', null, 'scrape', 200],

  ['POST /api/v1/agents/register', null, 'agent', 200, registration],
  ['POST /api/v1/monitoring/agents/register', null, 'agent', 200, registration],
  ['POST /api/v1/metrics', null, 'agent', 200, batch],
  ['POST /api/v1/monitoring/metrics', null, 'agent', 200, batch],
  ['POST /api/v1/deployments/:id/complete', '/api/v1/deployments/d-1/complete', 'agent', 200, {}],

  ['GET /api/v1/agents', null, 'person', 200],
  ['GET /api/v1/agents/summary/stats', null, 'person', 200],
  ['GET /api/v1/agents/:agentId', `/api/v1/agents/${AGENT_ID}`, 'person', 200],
  ['GET /api/v1/agents/:agentId/stats', `/api/v1/agents/${AGENT_ID}/stats`, 'person', 200],
  ['GET /api/v1/agents/:agentId/gaps', `/api/v1/agents/${AGENT_ID}/gaps`, 'person', 200],
  ['GET /api/v1/agents/:agentId/activity', `/api/v1/agents/${AGENT_ID}/activity`, 'person', 200],
  ['GET /api/v1/agents/:agentId/config', '/api/v1/agents/nobody/config', 'person', 404],
  ['PUT /api/v1/agents/:agentId/config', '/api/v1/agents/nobody/config', 'person', 404, { batch_size: 10 }],
  ['DELETE /api/v1/agents/:agentId', '/api/v1/agents/nobody', 'person', 404],
  ['POST /api/v1/agents/:agentId/commands', '/api/v1/agents/nobody/commands', 'person', 404, { name: 'collect_now' }],
  ['GET /api/v1/agents/:agentId/commands', `/api/v1/agents/${AGENT_ID}/commands`, 'person', 200],
  ['GET /api/v1/agents/:agentId/commands/:commandId', `/api/v1/agents/${AGENT_ID}/commands/c-1`, 'person', 404],

  ['GET /api/v1/alerts', null, 'person', 200],
  ['GET /api/v1/alerts/history', null, 'person', 200],
  ['POST /api/v1/alerts/:id/acknowledge', '/api/v1/alerts/a-1/acknowledge', 'person', 404, { by: 'somebody' }],
  ['DELETE /api/v1/alerts/:id/acknowledge', '/api/v1/alerts/a-1/acknowledge', 'person', 404],
  ['POST /api/v1/alerts/:id/resolve', '/api/v1/alerts/a-1/resolve', 'person', 404],
  ['GET /api/v1/alerts/rules', null, 'person', 200],
  ['POST /api/v1/alerts/rules', null, 'person', 400, {}],
  ['GET /api/v1/alerts/rules/:id', '/api/v1/alerts/rules/9999', 'person', 404],
  ['PUT /api/v1/alerts/rules/:id', '/api/v1/alerts/rules/9999', 'person', 404, {}],
  ['DELETE /api/v1/alerts/rules/:id', '/api/v1/alerts/rules/9999', 'person', 404],
  ['POST /api/v1/alerts/rules/test', null, 'person', 400, {}],
  ['GET /api/v1/alerts/channels', null, 'person', 200],
  ['POST /api/v1/alerts/channels', null, 'person', 400, {}],
  ['PUT /api/v1/alerts/channels/:id', '/api/v1/alerts/channels/9999', 'person', 404, {}],
  ['DELETE /api/v1/alerts/channels/:id', '/api/v1/alerts/channels/9999', 'person', 404],
  ['POST /api/v1/alerts/channels/:id/test', '/api/v1/alerts/channels/9999/test', 'person', 404, {}],
  ['GET /api/v1/alerts/channels/:id/deliveries', '/api/v1/alerts/channels/9999/deliveries', 'person', 404],
  ['GET /api/v1/alerts/silences', null, 'person', 200],
  ['POST /api/v1/alerts/silences', null, 'person', 400, {}],
  ['PUT /api/v1/alerts/silences/:id', '/api/v1/alerts/silences/9999', 'person', 404, {}],
  ['DELETE /api/v1/alerts/silences/:id', '/api/v1/alerts/silences/9999', 'person', 404],

  ['GET /api/v1/metrics', null, 'person', 200],
  ['GET /api/v1/metrics/aggregated', null, 'person', 200],
  ['GET /api/v1/metrics/chart', '/api/v1/metrics/chart?metric_name=access_gauge', 'person', 200],
  ['GET /api/v1/metrics/history', '/api/v1/metrics/history?metric_name=access_gauge', 'person', 200],
  ['GET /api/v1/metrics/history/:name', '/api/v1/metrics/history/access_gauge', 'person', 200],
  ['GET /api/v1/metrics/agent/:agentId', `/api/v1/metrics/agent/${AGENT_ID}`, 'person', 200],
  ['GET /api/v1/metrics/names', null, 'person', 200],
  ['GET /api/v1/metrics/series', null, 'person', 200],
  ['GET /api/v1/metrics/stats', null, 'person', 200],
  ['GET /api/v1/metrics/realtime', null, 'person', 200],
  ['GET /api/v1/metrics/search', '/api/v1/metrics/search?q=access', 'person', 200],

  ['GET /api/v1/dashboard/overview', null, 'person', 200],
  ['GET /api/v1/dashboard/metrics', null, 'person', 200],
  ['GET /api/v1/dashboard/health', null, 'person', 200],
  ['GET /api/v1/dashboard/activity', null, 'person', 200],
  ['GET /api/v1/topology', null, 'person', 200],

  ['GET /api/v1/targets', null, 'person', 200],
  ['POST /api/v1/targets', null, 'person', 400, {}],
  ['PUT /api/v1/targets/:id', '/api/v1/targets/nothing', 'person', 404, { name: 'n' }],
  ['DELETE /api/v1/targets/:id', '/api/v1/targets/nothing', 'person', 404],

  ['GET /api/v1/info', null, 'person', 200],
  ['ALL /api/v1/gcp', 'PATCH /api/v1/gcp', 'person', 501],
  ['ALL /api/v1/gcp/*rest', 'GET /api/v1/gcp/projects/1', 'person', 501],
  ['ALL /api/v1/monitoring/deploy', 'POST /api/v1/monitoring/deploy', 'person', 501, {}],
  ['ALL /api/v1/monitoring/deploy/:id', 'DELETE /api/v1/monitoring/deploy/7', 'person', 501],

  ['GET /api/ipify', null, 'person', 200],
  ['USE /api/logging', 'POST /api/logging/v2/entries:list', 'person', 200, {}],
  ['USE /api/compute', 'DELETE /api/compute/v1/projects/p', 'person', 200],
  ['USE /api/cloudrun', 'GET /api/cloudrun/v2/services', 'person', 200],
];

/** Not routes: other methods of a route, spellings of one, and paths where nothing is. */
const OTHERS: readonly Row[] = [
  ['HEAD /api/v1/agents', null, 'person', 200],
  ['HEAD /api/v1/metrics', null, 'person', 200],
  ['HEAD /metrics', null, 'scrape', 200],
  ['HEAD /health', null, 'open', 200],
  ['OPTIONS /api/v1/agents', null, 'person', 200],
  ['OPTIONS /api/logging/v2', null, 'person', 200],
  ['DELETE /api/v1/metrics', null, 'person', 405],
  ['PUT /api/v1/metrics', null, 'person', 405, batch],
  ['PATCH /api/v1/agents/:agentId', `PATCH /api/v1/agents/${AGENT_ID}`, 'person', 405],
  ['POST /API/V1/Metrics/', null, 'agent', 200, batch],
  ['GET /API/V1/AGENTS/', null, 'person', 200],
  ['GET /Metrics/', null, 'scrape', 200],
  ['GET /api/v1/agents/connect', null, 'person', 404],
  ['POST /api/v1/agents/connect', null, 'person', 405, {}],
  ['POST /api/v1/agents/register/more', null, 'person', 404, {}],
  ['GET /api', null, 'person', 404],
  ['GET /api/', null, 'person', 404],
  ['GET /api/v1', null, 'person', 404],
  ['GET /api/v1/nothing', null, 'person', 404],
  ['PUT /api/v1/nothing/at/all', null, 'person', 404, {}],
  ['GET /api/v2/agents', null, 'person', 404],
  ['GET /api/storage/v1', null, 'person', 404],
  ['GET /', null, 'open', 200],
  ['POST /', null, 'open', 404, {}],
  ['GET /apiary', null, 'open', 404],
  ['GET /nothing', null, 'open', 404],
  ['GET /ws', null, 'open', 404],
];

export const ROUTE_CASES: readonly RouteCase[] = [
  ...ROUTES.map((row) => ({ ...caseOf(row), route: row[0] })),
  ...OTHERS.map((row) => ({ ...caseOf(row), route: null })),
];

function caseOf([route, given, access, status, body]: Row): Omit<RouteCase, 'route'> {
  const [routeMethod = '', routePath = ''] = route.split(' ');
  const [method = '', path = ''] =
    given === null ? [routeMethod, routePath] : given.startsWith('/') ? [routeMethod, given] : given.split(' ');
  return { method, path, access, status, ...(body === undefined ? {} : { body }) };
}
