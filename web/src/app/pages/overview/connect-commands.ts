/** How a first agent is connected to this very server. Pure. */

/** Where agents find the server that served this page: `wss` behind TLS. */
export function agentUrl({ protocol, host }: { readonly protocol: string; readonly host: string }): string {
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}`;
}

/** Whether the address means this machine only: elsewhere it would lead to nobody. */
export function isLocalOnly(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || /^127(?:\.\d{1,3}){3}$/.test(hostname) || hostname === '[::1]';
}

export const BUILD_COMMAND = 'npm ci && npm run build';
export const WITH_AGENT_COMMAND = './start-backend.sh --with-agent';

/** Each machine calls itself by its own name: the same line is right on all of them. */
export function agentCommand(url: string): string {
  return `npm run agent -- --url ${url} --id "$(hostname)"`;
}

export function agentCommandWithToken(url: string): string {
  return `CCV_AGENT_TOKEN=TOKEN ${agentCommand(url)}`;
}
