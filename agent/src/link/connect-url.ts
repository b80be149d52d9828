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
 * @throws Error for anything else, and for a user name or password in it; the message repeats nothing of the URL
 */
export function connectUrl(server: string, { agentId, provider, region, zone }: Identity): URL {
  if (!URL.canParse(server)) throw new Error('this is not a URL');
  const url = new URL(server.replace(/^http(s?):/i, 'ws$1:'));
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') throw new Error("a server's URL begins with ws:, wss:, http: or https:");
  // It would be in the list of processes, and is not what the server looks at.
  if (url.username !== '' || url.password !== '')
    throw new Error("a server's URL must not hold a user name or password: a token belongs into CCV_AGENT_TOKEN or the agent's own file");
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
