/**
 * The web console as it was built, from its folder. Files are looked for at every request, so that one built anew while the
 * server runs is served at once. Names under which the build never puts a file (dots in front, escapes, `..`) are not
 * looked for at all.
 *
 * Where there is no file, whoever asks for a page gets the console's one: its router knows what `/agents/x` is. A script
 * of an older build gets no page in its place, and neither does what belongs to the API.
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { RequestHandler, Response } from 'express';
import sirv from 'sirv';
import { CONSOLE_NOT_BUILT } from './console-not-built.js';

const NOT_OURS = /^\/(?:api|ws|metrics|health)(?:\/|$)/i;
const PLAIN_NAME = /^(?:\/[A-Za-z0-9_@~-][A-Za-z0-9._@~-]*)+$/;
/** A file whose name changes with what is in it. */
const HASHED = /-[A-Z0-9]{8}\.(?:js|css|woff2|svg)$/;
/** Sources are not for everybody, and compressed copies are sent in the place of what they are copies of. */
const NEVER = /\.(?:map|br|gz)$/;
const PAGE = '/index.html';

const FOR_EVER = 'public, max-age=31536000, immutable';
const ASK_AGAIN = 'no-cache';
/** CORS and compression. */
const VARY = 'Origin, Accept-Encoding';

/** @param dir the folder with `index.html`; need not be there (yet) */
export function consoleFiles(dir: string): RequestHandler {
  const options = { dev: true, etag: true, extensions: [], setHeaders: vary };
  // What keeps its name while its contents change could have a compressed copy that is older than itself.
  const plain = sirv(dir, options);
  const compressed = sirv(dir, { ...options, brotli: true, gzip: true });

  return (req, res, next) => {
    const { path } = req;
    if ((req.method !== 'GET' && req.method !== 'HEAD') || NOT_OURS.test(path)) return next();
    const found = (cacheControl: string): void => {
      res.locals.routeLabel = '/*';
      res.setHeader('Cache-Control', cacheControl);
    };
    const sendPage = (): void => {
      found(ASK_AGAIN);
      send(plain, PAGE, req, res, () => {
        res.setHeader('Cache-Control', 'no-store');
        res.type('html').send(CONSOLE_NOT_BUILT);
      });
    };
    if (path === '/' || path === PAGE) return sendPage();
    const isHashed = HASHED.test(path);
    const missing = (): void => {
      if (!isHashed && asksForPage(req)) return sendPage();
      delete res.locals.routeLabel;
      res.removeHeader('Cache-Control');
      next();
    };
    if (!PLAIN_NAME.test(path) || NEVER.test(path)) return missing();
    found(isHashed ? FOR_EVER : ASK_AGAIN);
    send(isHashed ? compressed : plain, path, req, res, missing);
  };
}

/** Browsers say so when they go somewhere; scripts, images and programs do not. */
function asksForPage({ headers }: IncomingMessage): boolean {
  return /\btext\/html\b/i.test(headers.accept ?? '');
}

function vary(res: { setHeader(name: string, value: string): unknown }): void {
  res.setHeader('Vary', VARY);
}

/**
 * Has sirv answer, which is told only what it may heed: it takes ranges that make no sense, and encodings the client refuses.
 * It also leaves the file to itself: should that fail, or the client leave, somebody must close it.
 */
function send(files: ReturnType<typeof sirv>, path: string, req: Parameters<RequestHandler>[0], res: Response, missing: () => void): void {
  const { 'if-none-match': known } = req.headers;
  const encodings = ['br', 'gzip'].filter((encoding) => req.acceptsEncodings(encoding) !== false);
  const headers = { 'accept-encoding': encodings.join(', '), ...(known !== undefined && { 'if-none-match': known }) };
  const guard = (file: Readable): void => {
    file.once('error', () => res.destroy());
    res.once('close', () => file.destroy());
  };
  vary(res);
  res.once('pipe', guard);
  files({ method: req.method, url: path, headers } as IncomingMessage, res, () => {
    res.removeListener('pipe', guard);
    missing();
  });
}
