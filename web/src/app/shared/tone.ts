/** What a state means, whatever it is of. Pure. */
export type Tone = 'ok' | 'warn' | 'error' | 'off';

/** What a word of the API means, or a tone itself: of agents, of health, of configurations, of commands and of alerts. */
export function toneOf(status: string): Tone {
  switch (status) {
    case 'connected':
    case 'healthy':
    case 'excellent':
    case 'good':
    case 'applied':
    case 'ok':
    case 'live':
    case 'active':
    case 'delivered':
      return 'ok';
    case 'warn':
    case 'warning':
    case 'pending':
    case 'sent':
    case 'waiting':
    case 'connecting':
      return 'warn';
    case 'error':
    case 'failed':
    case 'refused':
    case 'critical':
    case 'firing':
    case 'unhealthy':
    case 'offline':
      return 'error';
    default:
      return 'off';
  }
}
