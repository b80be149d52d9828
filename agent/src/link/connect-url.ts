/** The path is the protocol's; whatever path a URL had is replaced. */
const CONNECT_PATH = '/api/v1/agents/connect';

export interface Identity {
  readonly agentId: string;
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
}

/**
 * The URL an agent connects to: `server` with the protocol's path and who connects. Further parameters of `server` survive.
 * `http` and `https` are taken for `ws` and `wss`.
 * @throws Error for anything else
 */
export function connectUrl(server: string, { agentId, provider, region, zone }: Identity): URL {
  if (!URL.canParse(server)) throw new Error(`not a URL: ${server.replace(/\?.*/, '')}`);
  const url = new URL(server.replace(/^http(s?):/i, 'ws$1:'));
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    throw new Error(`a server's URL begins with ws:, wss:, http: or https:, not ${url.protocol}`);
  url.pathname = CONNECT_PATH;
  url.hash = '';
  for (const [name, value] of Object.entries({ agent_id: agentId, provider, region, zone })) {
    if (value !== '') url.searchParams.set(name, value);
  }
  return url;
}

/** As it may be shown: without credentials and parameters. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
