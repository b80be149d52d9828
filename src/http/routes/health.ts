import { Router } from 'express';
import { isAppError } from '../../model/errors.js';
import { isoTime } from '../../model/iso-time.js';
import { type Clock, monotonicMs } from '../../runtime/clock.js';

const PROBE_FRESH_MS = 1_000;
const PROBE_DEADLINE_MS = 2_000;

/** How the way in is doing. Being saturated is back-pressure at work and no reason to be called unhealthy. */
export interface IngestHealth {
  readonly queuedBatches: number;
  readonly saturated: boolean;
  readonly connections: number;
}

export interface HealthDeps {
  readonly version: string;
  readonly clock: Clock;
  /** Resolves when the database can be written and read (StorageHealth). */
  readonly database: { probe(): Promise<void> };
  readonly ingest: () => IngestHealth;
}

type ProbeResult = { readonly healthy: true; readonly latencyMs: number } | { readonly healthy: false; readonly error: string };

/** `GET /health`: 200 while the server can do its job, 503 when the database cannot be written. */
export function healthRoutes(deps: HealthDeps): Router {
  const router = Router();
  const probe = new DatabaseProbe(deps.database);
  const startedMs = monotonicMs();
  router.get('/health', async (_req, res) => {
    const database = await probe.result();
    const { saturated, ...queue } = deps.ingest();
    res.status(database.healthy ? 200 : 503).json({
      status: database.healthy ? 'healthy' : 'unhealthy',
      timestamp: isoTime(deps.clock.nowMs()),
      version: deps.version,
      uptime: Math.floor((monotonicMs() - startedMs) / 1_000),
      checks: {
        database: database.healthy
          ? { status: 'healthy', latency_ms: Math.round(database.latencyMs * 10) / 10 }
          : { status: 'unhealthy', error: database.error },
        ingest: { status: saturated ? 'saturated' : 'healthy', queued_batches: queue.queuedBatches, connections: queue.connections },
      },
    });
  });
  return router;
}

/**
 * Asks the database at most once a second and never twice at a time, so that a flood of health checks does not
 * become a flood of writes. A probe that does not come back counts as failed after its deadline.
 */
class DatabaseProbe {
  private last: { readonly atMs: number; readonly result: ProbeResult } | null = null;
  private running: { readonly sinceMs: number; readonly result: Promise<ProbeResult> } | null = null;

  constructor(private readonly database: { probe(): Promise<void> }) {}

  async result(): Promise<ProbeResult> {
    if (this.last !== null && monotonicMs() - this.last.atMs < PROBE_FRESH_MS) return this.last.result;
    this.running ??= { sinceMs: monotonicMs(), result: this.ask() };
    const leftMs = PROBE_DEADLINE_MS - (monotonicMs() - this.running.sinceMs);
    return within(this.running.result, leftMs, { healthy: false, error: `the database did not answer within ${PROBE_DEADLINE_MS} ms` });
  }

  private async ask(): Promise<ProbeResult> {
    const startedMs = monotonicMs();
    let result: ProbeResult;
    try {
      await this.database.probe();
      result = { healthy: true, latencyMs: monotonicMs() - startedMs };
    } catch (error) {
      result = { healthy: false, error: isAppError(error) ? error.message : 'the database does not answer' };
    }
    this.last = { atMs: monotonicMs(), result };
    this.running = null;
    return result;
  }
}

async function within<T>(promise: Promise<T>, timeoutMs: number, late: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(late), Math.max(0, timeoutMs));
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
