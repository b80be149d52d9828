/**
 * Consoles that look at their dashboard: each asks the same questions one after the other, every few seconds. They run
 * in the bench's own process, which has nothing else to do meanwhile.
 */
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from './exposition.js';
import { type Percentiles, percentiles } from './percentiles.js';

export const DASHBOARD_PATHS = [
  '/api/v1/dashboard/overview?timeRange=1h',
  '/api/v1/dashboard/metrics?timeRange=1h',
  '/api/v1/metrics/realtime',
  '/api/v1/agents',
] as const;
/** From one round of a console to its next. */
export const DASHBOARD_PERIOD_MS = 5_000;
const TIMEOUT_MS = 30_000;

export interface DashboardAnswers {
  readonly path: string;
  readonly answerMs: Percentiles;
  readonly errors: number;
  readonly firstError: string | null;
}

export class Dashboards {
  private readonly latencies = new Map<string, number[]>(DASHBOARD_PATHS.map((path) => [path, []]));
  private readonly errors = new Map<string, string[]>(DASHBOARD_PATHS.map((path) => [path, []]));
  private readonly over = new AbortController();
  private consoles: Promise<void>[] = [];

  constructor(
    private readonly place: Place,
    private readonly count: number,
  ) {}

  /** They begin spread over one period. */
  start(): void {
    this.consoles = Array.from({ length: this.count }, (_, i) => this.look((i * DASHBOARD_PERIOD_MS) / this.count));
  }

  /** Waits for the answers that are due. */
  async stop(): Promise<DashboardAnswers[]> {
    this.over.abort();
    await Promise.all(this.consoles);
    return DASHBOARD_PATHS.map((path) => {
      const errors = this.errors.get(path) ?? [];
      return {
        path,
        answerMs: percentiles(Float64Array.from(this.latencies.get(path) ?? [])),
        errors: errors.length,
        firstError: errors[0] ?? null,
      };
    });
  }

  private async look(delayMs: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { signal } = this.over;
    const startMs = performance.now() + delayMs;
    for (let round = 0; await this.pause(startMs + round * DASHBOARD_PERIOD_MS); round += 1) {
      for (const path of DASHBOARD_PATHS) {
        if (signal.aborted) break;
        await this.ask(agent, path);
      }
    }
    agent.destroy();
  }

  /** Until that moment; not at all when it is past, as for a console whose last round took long. False at the end. */
  private async pause(untilMs: number): Promise<boolean> {
    const { signal } = this.over;
    await sleep(Math.max(untilMs - performance.now(), 0), undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  }

  private ask(agent: Agent, path: string): Promise<void> {
    const startMs = performance.now();
    return new Promise((resolve) => {
      const failed = (reason: string): void => {
        this.errors.get(path)?.push(reason);
        resolve();
      };
      const { host, port } = this.place;
      const request = get({ host, port, path, agent, timeout: TIMEOUT_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => failed(error.message));
        response.on('end', () => {
          if (response.statusCode !== 200) {
            return failed(`${String(response.statusCode)} ${Buffer.concat(chunks).toString().slice(0, 200)}`);
          }
          this.latencies.get(path)?.push(performance.now() - startMs);
          resolve();
        });
      });
      request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      request.on('error', (error) => failed(error.message));
    });
  }
}
