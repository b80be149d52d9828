import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { TestAgent, UpgradeRefused } from './agent-client.js';
import type { TestApp } from './test-app.js';

/** What is looked at of Express' own book-keeping. */
interface Layer {
  /** What the layer was mounted at or the route's own path; a list when there are several spellings. */
  readonly rawPath: string | readonly string[];
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: { readonly stack?: readonly Layer[] };
}

/** A request's way out, as Node publishes it: by then Express has made the request its own. */
const FINISHED = 'http.server.response.finish';

/**
 * Everything a running app answers, read off the app itself, so that a table of routes can be held to be whole:
 * `GET /api/v1/agents/:agentId` for a route, `USE /api/logging` for a handler that is mounted at a path and takes all that
 * is below. Handlers mounted at `/` are middlewares and are left out.
 */
export async function mountedRoutes(app: TestApp): Promise<string[]> {
  const { stack } = await routerOf(app);
  const found = new Set<string>();
  for (const layer of stack) collect(layer, '', found);
  return [...found].sort();
}

/** The paths at which WebSocket upgrades are taken, as the server itself names them when it refuses another. */
export async function socketPaths(app: TestApp): Promise<string[]> {
  try {
    await TestAgent.connect(app, { agentId: null, path: '/no-socket-here' });
  } catch (error) {
    if (error instanceof UpgradeRefused && error.status === 404) {
      const { message } = (JSON.parse(error.body) as { error: { message: string } }).error;
      return [...message.matchAll(/\/[\w/-]+/g)].map(([path]) => path).sort();
    }
    throw error;
  }
  throw new Error('an upgrade to a path that does not exist came through');
}

function collect(layer: Layer, mount: string, found: Set<string>): void {
  const paths = typeof layer.rawPath === 'string' ? [layer.rawPath] : layer.rawPath;
  for (const path of paths) {
    const whole = join(mount, path);
    if (layer.route !== undefined) {
      for (const method of Object.keys(layer.route.methods)) found.add(`${method === '_all' ? 'ALL' : method.toUpperCase()} ${whole}`);
    } else if (layer.handle.stack !== undefined) {
      for (const inner of layer.handle.stack) collect(inner, whole, found);
    } else if (whole !== '/') {
      found.add(`USE ${whole}`);
    }
  }
}

function join(mount: string, path: string): string {
  const whole = `${mount}${path}`.replace(/\/{2,}/g, '/');
  return whole.length > 1 ? whole.replace(/\/$/, '') : whole;
}

/** The router of the Express app that answers a request of ours. */
async function routerOf(app: TestApp): Promise<{ readonly stack: readonly Layer[] }> {
  const id = `routes-${Math.random()}`;
  let answering: { readonly router: { readonly stack: readonly Layer[] } } | undefined;
  const onFinished = (message: unknown): void => {
    const { request } = message as { request: IncomingMessage & { app?: typeof answering } };
    if (request.headers['x-request-id'] === id) answering = request.app;
  };
  subscribe(FINISHED, onFinished);
  try {
    await app.api('/health', { headers: { 'x-request-id': id } });
  } finally {
    unsubscribe(FINISHED, onFinished);
  }
  if (answering === undefined) throw new Error('no Express app was seen to answer');
  return answering.router;
}
