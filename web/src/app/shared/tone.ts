/** What a state means, whatever it is of. Pure. */
export type Tone = 'ok' | 'warn' | 'error' | 'off';

/** What a word of the API means: of agents, of health, of configurations and of commands. */
export function toneOf(status: string): Tone {
  switch (status) {
    case 'connected':
    case 'healthy':
    case 'excellent':
    case 'good':
    case 'applied':
    case 'ok':
    case 'live':
      return 'ok';
    case 'warning':
    case 'pending':
    case 'sent':
    case 'connecting':
      return 'warn';
    case 'error':
    case 'failed':
    case 'refused':
    case 'critical':
    case 'unhealthy':
    case 'offline':
      return 'error';
    default:
      return 'off';
  }
}
