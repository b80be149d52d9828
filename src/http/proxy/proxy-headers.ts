import type { IncomingHttpHeaders } from 'node:http';

/**
 * Which headers pass a proxy. Requests: everything but what belongs to this connection (hop by hop), to us
 * (cookies, X-API-Key), or tells where the request came from. `Authorization` passes unchanged: it is Google's.
 * Answers: everything but what belongs to the connection, speaks for another host (cookies, HSTS, Alt-Svc) or
 * contradicts our own CORS and security headers, which are set already and stay.
 */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
];

const KEPT_FROM_UPSTREAM = new Set([
  ...HOP_BY_HOP,
  'cookie',
  'cookie2',
  'x-api-key',
  'origin',
  'referer',
  'forwarded',
  'via',
  'x-original-forwarded-for',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'fastly-client-ip',
  'x-envoy-external-address',
  'x-appengine-user-ip',
  'x-azure-clientip',
  // Answered by our own server already; passed on it would only delay the body.
  'expect',
]);

const KEPT_FROM_CLIENT = new Set([
  ...HOP_BY_HOP,
  'transfer-encoding',
  'set-cookie',
  'set-cookie2',
  'strict-transport-security',
  'alt-svc',
  'via',
]);

/** How a message is framed is never for `Connection` to name: dropping these would let bodies run into each other. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'host']);

/** Takes out, in place, the request headers that must not leave. */
export function stripRequestHeaders(headers: IncomingHttpHeaders): void {
  const named = namedByConnection(headers.connection);
  for (const name of Object.keys(headers)) {
    if (KEPT_FROM_UPSTREAM.has(name) || name.startsWith('x-forwarded-') || named.has(name)) delete headers[name];
  }
}

/** The headers of an upstream's answer that the client gets. */
export function answerHeaders(headers: IncomingHttpHeaders): [string, string | string[]][] {
  const named = namedByConnection(headers.connection);
  const passing: [string, string | string[]][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || KEPT_FROM_CLIENT.has(name) || name.startsWith('access-control-') || named.has(name)) continue;
    passing.push([name, value]);
  }
  return passing;
}

function namedByConnection(connection: string | undefined): Set<string> {
  const names = (connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => name !== '' && !FRAMING.has(name)));
}
