import { isIP } from 'node:net';

/** What one ping of a target found. */
export interface PingResult {
  /** Null where the program does not say it. */
  readonly targetIp: string | null;
  /** 0 to 100; 100 is a failed ping. */
  readonly lossPercent: number;
  /** Null without an answer. */
  readonly rttMs: { readonly min: number; readonly avg: number; readonly max: number } | null;
}

const COUNTS = /(\d+) packets transmitted, (\d+) (?:packets )?received/;
/** `rtt` on Linux, `round-trip` elsewhere; a deviation follows under several names, or nothing. */
const TIMES = /min\/avg\/max\S*\s*=\s*([\d.]+)\/([\d.]+)\/([\d.]+)/;

/**
 * Takes the output of a `ping` program apart: that of Linux (iputils), of busybox, and of the BSDs and macOS.
 * @returns null when there are no statistics in it: it did not get as far as sending
 */
export function parsePing(output: string): PingResult | null {
  const [, sentText, receivedText] = COUNTS.exec(output) ?? [];
  const sent = Number(sentText);
  const received = Number(receivedText);
  if (!(sent > 0)) return null;
  // Counted here, because programs round it. An answer to an earlier ping can make more answers than questions.
  const lossPercent = 100 * (1 - Math.min(received, sent) / sent);
  const [, min, avg, max] = TIMES.exec(output) ?? [];
  const rttMs = received > 0 && max !== undefined ? { min: Number(min), avg: Number(avg), max: Number(max) } : null;
  return { targetIp: targetIp(output), lossPercent, rttMs };
}

/** From the first line: `PING name (address)`, `PING name(address)`, `PING6(…) source --> address`. */
function targetIp(output: string): string | null {
  const head = /^PING6?.*$/m.exec(output)?.[0] ?? '';
  const arrow = /--> (\S+)/.exec(head)?.[1];
  const candidates = arrow === undefined ? [...head.matchAll(/\(([^\s()]+)\)/g)].map(([, text]) => text ?? '') : [arrow];
  return candidates.find((text) => isIP(text) !== 0) ?? null;
}
