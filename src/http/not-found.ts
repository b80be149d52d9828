import type { RequestHandler, Router } from 'express';
import { AppError } from '../model/errors.js';

/** A router and the path it is mounted at. */
export interface MountedRouter {
  readonly path: string;
  readonly router: Router;
}

/** What is looked at of Express' own book-keeping: which paths and methods a router has. */
interface RouterLayer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): unknown;
}

/** The end of the road: 405 with `Allow` when the path exists for other methods, 404 otherwise. */
export function notFound(routers: readonly MountedRouter[]): RequestHandler {
  return (req, res, next) => {
    const methods = methodsAt(routers, req.path);
    if (methods.length === 0) {
      next(new AppError('not_found', `there is nothing at ${req.method} ${shorten(req.path)}; GET /api/v1/info lists what there is`));
      return;
    }
    res.setHeader('Allow', methods.join(', '));
    next(new AppError('method_not_allowed', `${req.method} is not possible here; possible: ${methods.join(', ')}`));
  };
}

function methodsAt(routers: readonly MountedRouter[], path: string): string[] {
  const methods = new Set<string>();
  for (const { path: mount, router } of routers) {
    const rest = below(mount, path);
    if (rest === null) continue;
    for (const layer of router.stack as unknown as RouterLayer[]) {
      if (layer.route === undefined || !matches(layer, rest)) continue;
      for (const method of Object.keys(layer.route.methods)) methods.add(method.toUpperCase());
    }
  }
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort();
}

/** The path as the router sees it, or null when the router is mounted elsewhere. */
function below(mount: string, path: string): string | null {
  if (mount === '/') return path;
  const head = path.slice(0, mount.length).toLowerCase();
  const rest = path.slice(mount.length);
  if (head !== mount.toLowerCase() || (rest !== '' && !rest.startsWith('/'))) return null;
  return rest === '' ? '/' : rest;
}

function matches(layer: RouterLayer, path: string): boolean {
  try {
    return Boolean(layer.match(path));
  } catch {
    return false; // an escape that cannot be decoded matches nothing
  }
}

function shorten(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
