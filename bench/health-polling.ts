/** Runs something while `/health` is polled every 20 ms from a process of its own. */
import type { BenchContext } from './bench-context.js';
import { ChildClient } from './child-client.js';
import type { ProbeAnswers, ProbeRequest } from './load-protocol.js';
import { type Percentiles, percentiles } from './percentiles.js';

const INTERVAL_MS = 20;

/**
 * `work` gets the probe's process id. Throws when a poll failed: a server that says 503, or nothing, under load is not
 * one whose latency is of interest.
 */
export function withHealthProbe<T>(
  context: BenchContext,
  target: { readonly host: string; readonly port: number },
  work: (probePid: number) => Promise<T>,
): Promise<{ result: T; health: Percentiles }> {
  const probe = new ChildClient<ProbeRequest, ProbeAnswers>('./health-probe.js');
  return context.owning(
    () => probe.stop(),
    async () => {
      await probe.request<'start'>({ kind: 'start', host: target.host, port: target.port, intervalMs: INTERVAL_MS });
      const result = await work(probe.pid);
      const polls = await probe.request<'stop'>({ kind: 'stop' });
      if (polls.failures > 0) throw new Error(`${polls.failures} polls of /health failed, the first: ${polls.firstFailure}`);
      return { result, health: percentiles(polls.latenciesMs) };
    },
  );
}
