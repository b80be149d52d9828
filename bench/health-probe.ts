/**
 * Polls `/health` on a fixed schedule, from a process of its own: in the load process a poll would wait for the
 * frames being made, and the generator's delays would be told as the server's. Latency counts from the scheduled
 * time, so a server that stalls is not asked less.
 */
import { Agent, get } from 'node:http';
import { serve } from './child-service.js';
import type { ProbeAnswers, ProbeRequest } from './load-protocol.js';

const POLL_TIMEOUT_MS = 30_000;

interface Target {
  readonly host: string;
  readonly port: number;
  readonly intervalMs: number;
}

class HealthProbe {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });
  private polls: Promise<void>[] = [];
  private latencies: number[] = [];
  private failures = 0;
  private firstFailure = '';
  private timer: NodeJS.Timeout | null = null;

  async start(target: Target): Promise<null> {
    // The first answer warms the connection and is not counted.
    await this.poll(target, performance.now());
    this.polls = [];
    this.latencies = [];
    this.failures = 0;
    this.firstFailure = '';
    const startMs = performance.now();
    let next = 0;
    this.timer = setInterval(() => {
      for (; startMs + next * target.intervalMs <= performance.now(); next += 1) {
        this.polls.push(this.poll(target, startMs + next * target.intervalMs));
      }
    }, 1);
    return null;
  }

  /** Stops asking and waits for the answers that are due. */
  async stop(): Promise<ProbeAnswers['stop']> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    await Promise.all(this.polls);
    this.agent.destroy();
    return { latenciesMs: Float64Array.from(this.latencies), failures: this.failures, firstFailure: this.firstFailure };
  }

  private poll(target: Target, scheduledMs: number): Promise<void> {
    return new Promise((resolve) => {
      const failed = (reason: string): void => {
        this.failures += 1;
        this.firstFailure ||= reason;
        resolve();
      };
      const request = get(
        { host: target.host, port: target.port, path: '/health', agent: this.agent, timeout: POLL_TIMEOUT_MS },
        (response) => {
          response.resume();
          response.on('end', () => {
            if (response.statusCode !== 200) return failed(`status ${String(response.statusCode)}`);
            this.latencies.push(performance.now() - scheduledMs);
            resolve();
          });
        },
      );
      request.on('timeout', () => request.destroy(new Error('no answer within 30 s')));
      request.on('error', (error) => failed(error.message));
    });
  }
}

const probe = new HealthProbe();
serve((request: ProbeRequest) => (request.kind === 'start' ? probe.start(request) : probe.stop()));
