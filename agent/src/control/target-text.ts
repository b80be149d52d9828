import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { CheckTarget } from '../model.js';

/**
 * Targets as they are written in configurations and on the command line. What they say ends up in arguments of
 * the `ping` program, in connections and in tags: what is neither a host name nor an IP address (for http: a URL) does not
 * get in, nor does anything with a password in it.
 */

export type CheckType = CheckTarget['type'];

export const CHECK_TYPES: readonly CheckType[] = ['ping', 'dns', 'http', 'tcp'];

const MAX_TARGET_LENGTH = 2_048;
/** Labels of letters, digits, `-` and `_` that begin and end with no `-`; 253 characters at the most. */
const HOST_NAME = /^(?=.{1,253}\.?$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;
// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
const BLANK_OR_CONTROL = /[\s\u0000-\u001f\u007f-\u009f]/;
const WITH_PORT = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/;

/** Where a target leads to, or why its text is no target. */
export type TargetPlace = { readonly address: string; readonly port: number | null } | { readonly problem: string };

/**
 * ping: `host`; http: a URL; tcp: `host:port`, `[IPv6]:port`; dns: the name to look up, or a name server's `IP` or `IP:port`.
 * Never throws.
 */
export function readTarget(type: CheckType, text: string): TargetPlace {
  if (text.length > MAX_TARGET_LENGTH) return { problem: `is longer than ${MAX_TARGET_LENGTH} characters` };
  if (type === 'http') return readUrl(text);
  if (type === 'tcp') return readHostAndPort(text) ?? { problem: 'must be host:port (an IPv6 address in brackets)' };
  if (isHost(text)) return { address: text, port: null };
  const withPort = type === 'dns' ? readHostAndPort(text) : null;
  if (withPort !== null && isIP(withPort.address) !== 0) return withPort;
  return { problem: 'must be a host name or an IP address' };
}

export function isHost(text: string): boolean {
  return isIPv4(text) || isPlainIPv6(text) || HOST_NAME.test(text);
}

/** Without a zone (`%eth0`), which may hold anything. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function readHostAndPort(text: string): { address: string; port: number } | null {
  const [, bracketed, plain, digits] = WITH_PORT.exec(text) ?? [];
  const port = Number(digits);
  const valid = bracketed === undefined ? plain !== undefined && isHost(plain) : isPlainIPv6(bracketed);
  return valid && port >= 1 && port <= 65_535 ? { address: bracketed ?? plain ?? '', port } : null;
}

function readUrl(text: string): TargetPlace {
  const url = !BLANK_OR_CONTROL.test(text) && URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return { problem: 'must be an http or https URL' };
  if (url.username !== '' || url.password !== '') return { problem: 'must not hold a user name or password' };
  return { address: text, port: null };
}
