import { execFile } from 'node:child_process';
import { isIPv6 } from 'node:net';
import { type PingResult, parsePing } from './ping-output.js';

export interface PingProgramOptions {
  /** A name that is looked for in the usual folders, or a path. */
  readonly program: string;
  readonly platform: NodeJS.Platform;
}

/** Why ICMP cannot be used here at all, in contrast to a target that does not answer. */
export interface Impossible {
  readonly impossible: string;
}

const PACKETS = 3;
/** Programs send one packet a second. */
const SENDING_MS = (PACKETS - 1) * 1_000;
/** For starting it, and for what it needs to end. */
const MARGIN_MS = 1_000;
const MAX_OUTPUT_BYTES = 64 * 1_024;
/** Fixed, so that neither a folder nor a secret of the agent's own environment reaches the program. */
const ENVIRONMENT = { LC_ALL: 'C', PATH: '/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
const NOT_PERMITTED = /not permitted|permission denied|are you root|lacking privilege|cap_net_raw/i;
/** There, the wait for an answer is said in milliseconds, and IPv6 has a program of its own. */
const BSD: ReadonlySet<NodeJS.Platform> = new Set(['darwin', 'freebsd', 'openbsd', 'netbsd']);

/**
 * Pings by the system's own program, which may send ICMP where this process may not. No shell takes part.
 */
export class PingProgram {
  constructor(private readonly options: PingProgramOptions) {}

  /**
   * @param address a host name or an IP address, looked at by the caller
   * @param timeoutMs how long to wait for each answer
   * @returns null when nothing can be said but that it failed (an unknown host, no route)
   */
  async ping(address: string, timeoutMs: number, signal: AbortSignal): Promise<PingResult | Impossible | null> {
    const { program, platform } = this.options;
    if (platform === 'win32') return { impossible: 'its ping program is another one' };
    const bsd = BSD.has(platform);
    const waitS = Math.max(1, Math.ceil(timeoutMs / 1_000));
    const args = ['-n', '-c', String(PACKETS), '-W', String(bsd ? waitS * 1_000 : waitS), address];
    const file = bsd && isIPv6(address) ? `${program}6` : program;
    const { failure, stdout, stderr } = await run(file, args, SENDING_MS + waitS * 1_000 + MARGIN_MS, signal);
    const result = parsePing(stdout);
    if (result !== null) return result;
    if (failure === 'ENOENT' || failure === 'EACCES') return { impossible: `${file} cannot be run (${failure})` };
    if (NOT_PERMITTED.test(stderr)) return { impossible: stderr.trim().split('\n')[0] ?? '' };
    return null;
  }
}

interface Run {
  /** An exit code, a signal or the code of a system error; null for success. */
  readonly failure: string | number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Rejects only when `signal` ends it. */
function run(file: string, args: readonly string[], timeout: number, signal: AbortSignal): Promise<Run> {
  return new Promise((resolve, reject) => {
    const options = { timeout, signal, env: ENVIRONMENT, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true } as const;
    execFile(file, args, options, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason as Error);
      else resolve({ failure: error === null ? null : (error.code ?? error.signal ?? 'failed'), stdout, stderr });
    });
  });
}
